// The chapter on log events as Markdown, for docs/log-events.md: every kind, every field, one example.

import { eventTable } from './event-table.ts'
import { humanLine } from './human-line.ts'
import type { LogFields } from './log-fields.ts'
import { encodeLogLine, logFields } from './log-line.ts'
import type { PforteEvent } from './pforte-event.ts'

/** `timeMs` is the wall time of all examples. */
export function logEventsChapter(events: readonly PforteEvent[], timeMs: number): string {
  const fieldRows = Object.entries(fieldTable).map(
    ([name, meaning]) => `| \`${name}\` | ${meaning} |`,
  )
  const sections = events.map((event) => section(event, timeMs))
  return `## Fields

| field | meaning |
| --- | --- |
${fieldRows.join('\n')}

## Events

${sections.join('\n')}`
}

function section(event: PforteEvent, timeMs: number): string {
  const { level, meaning } = eventTable[event.kind]
  const fields = Object.keys(ownFields(logFields(event, timeMs)))
  const names = fields.length === 0 ? 'none' : fields.map((name) => `\`${name}\``).join(', ')
  return `### ${event.kind}

${meaning} Level \`${level}\`. Fields: ${names}.

\`\`\`text
${encodeLogLine(event, timeMs)}
${humanLine(event, timeMs, { isColoured: false, isDated: false })}
\`\`\`
`
}

function ownFields({ time: _time, level: _level, event: _event, ...own }: LogFields): LogFields {
  return own
}

/** What each field means. A test names fields without a row, and rows without a field. */
export const fieldTable: Readonly<Record<string, string>> = {
  time: 'When, ISO 8601 in UTC with milliseconds.',
  level: '`info`, `warning` or `error`.',
  event: 'The kind of event, one of the headings below.',
  session: 'Trace id of the session; also in the `Received` field and in replies.',
  mail: 'Trace id of the mail transaction; also the mail’s name in the spool.',
  hostname: 'The relay’s own name.',
  listeners: 'Addresses and ports as configured.',
  version: 'Of Pforte.',
  listenerAddress: 'The relay’s own address the client connected to.',
  listenerPort: 'The relay’s own port.',
  service: '`smtp`, `metrics` or `catcher`.',
  problems: 'What is wrong with the configuration, one entry each.',
  needsRestart: 'Changed keys of the configuration that take effect only at the next start.',
  mode: '`enforce`, or `observe`: only told; nothing was done to the client.',
  check:
    '`connections` or `rate`; of what came back: the check whose test mail it was; of rechecks: the id of a check, see `pforte check --explain all`.',
  run: 'The run of `pforte check` whose test mail it was.',
  token: 'What its sender is made of.',
  returned:
    'What came back: `report` or `bounce` with `failed`, `delayed` or what else it says, `auto-reply`, `receipt`, `mail`, `callback`, `broken-off`.',
  afterMs: 'Since the sender was made.',
  network:
    'The entry of the list, or the address or network whose connections or guesses are counted.',
  checks: 'What was passed: `pregreet`, `dnsbl`.',
  score: 'Sum of the weights of the lists that have the client; null: none was asked.',
  zones: 'Lists on the DNS, by their domain: those that have the client, or the one concerned.',
  failedZones: 'Lists that have not answered, and counted nothing.',
  detail: 'What happened, for people; may change between versions.',
  process: '`coordinator` or `worker-1` and so on.',
  pid: 'Its process id.',
  sessionCount: 'Sessions open now.',
  maxSessionCount: 'The limit of them, `limits.maxSessions`.',
  forMs: 'How long it lasted.',
  shortage: 'What there was too little of: `loop-late`, `descriptors-short` or `memory-short`.',
  value: 'How it stood: milliseconds for `loop-late`, else percent.',
  limit: 'The limit that was reached, in the same unit; of guesses: a count.',
  budget: 'Of `unknown-recipients` in an hour, or of `questions` in a minute.',
  count: 'How many since the event before.',
  clientAddress: 'The client’s IP address.',
  clientPort: 'The client’s port.',
  reason:
    'Why a session ended, a verdict was what it was (null for accept), a mail is held, or an alert was not sent. The values are closed sets.',
  clientName: 'What the DNS calls the client.',
  rule: 'Which mail rule: a reason of refusals, or `greylisting`.',
  subject: 'The address or the domain the DNS was asked for.',
  waitMs: 'How long the client has to wait before it may come back.',
  waitedMs: 'How long it waited.',
  greetingName: 'What the client called itself in EHLO or HELO.',
  isExtended: 'True for EHLO, false for HELO.',
  tlsProtocol: 'Such as `TLSv1.3`.',
  tlsCipher: 'The cipher suite by its IANA name.',
  clientCertificate:
    '`verified:` and its names, `unverified:` and why, or `none`; absent: it was not asked for.',
  isTlsResumed: 'True when an earlier TLS session was resumed.',
  reversePath: 'MAIL FROM without angle brackets; empty for the null reverse-path.',
  verdict: '`accept`, `defer` (4yz) or `reject` (5yz).',
  maxBytes: 'The limit that was exceeded.',
  maxCount: 'The limit that was exceeded.',
  hopCount: 'How many `Received` fields the mail had.',
  reply: 'The reply the client got, or in observe mode would have got, one line.',
  recipient: 'RCPT TO without angle brackets.',
  server: 'The institute’s server by name.',
  serverReply: 'That server’s own words.',
  source:
    'Where the answer came from: `cache`, `live`, `pin`, `list`; null when nobody had to be asked.',
  tookMs: 'How long it took.',
  recipients: 'RCPT TO, the accepted ones; 100 at most are listed.',
  recipientCount: 'How many they are.',
  sizeBytes: 'Size of the content.',
  receiveMs: 'From DATA to the end of the content.',
  handoverMs: 'From the end of the content to the final reply.',
  transfers:
    'Attempts to hand over, one object each: `server`, `address`, `tls`, `outcome` (`relayed`, `deferred`, `refused`), `reply`, `tookMs`.',
  held: 'Recipients in the hold; 100 at most are listed.',
  relayed: 'Recipients whose server has the mail; 100 at most are listed.',
  deferred: 'Recipients in the spool, to be tried again; 100 at most are listed.',
  nextAttempt: 'When the deferred ones are tried again; null: none is.',
  folder: 'Of the spool.',
  entryCount: 'Mails in the spool; entries of the list of exceptions, or networks in a file.',
  orphanCount: 'Content files without an entry, of commits that were not answered; removed.',
  heldCount: 'Recipients in the hold.',
  freeBytes: 'Free space on the disk of the spool.',
  freeInodeCount: 'Free inodes there; null: no limit.',
  keptCount: 'Mails that could be read.',
  lostCount: 'Mails that could not.',
  file: 'The damaged database, kept for a human; or the file of networks.',
  isClientGone: 'True when the client did not wait for the reply.',
  line: 'The command as it came; credentials are replaced by `[redacted]`.',
  mailCount: 'Mails of the session.',
  commandCount: 'Commands of the session.',
  receivedBytes: 'Bytes the client sent, content included.',
  durationMs: 'How long the session was open.',
  error: 'The error; for bugs with the stack, lines separated by a line feed.',
  route: 'Which route: its servers and its TLS policy.',
  serverAddress: 'The address connected to; null when it did not come to that.',
  serverPort: 'The port of the server.',
  serverTls:
    'Protocol, cipher, and `verified`, `pinned` or `unverified` with the reason; null in clear.',
  tlsPolicy: 'The policy of the domain: `none`, `opportunistic`, `verify` or `pin`.',
  tlsStanding: 'What is known of the server: `clear`, `unverified`, `verified` or `pinned`.',
  purpose:
    'What it was for: `question`, `handover`; of a question: `rcpt`, `refresh`, `command`, `catch-all`.',
  cause: 'Why there is no answer, or why it means nothing: a closed set of words.',
  stage: 'How far the dialog with the server had come.',
  downForMs: 'How long it was down.',
  outcome: '`deliverable`, `undeliverable` or `unknown`.',
  by: 'What showed it: `delivery` or `refresh`.',
  domain: 'The domain in question.',
  alert: '`mail-delayed`, `mail-held` or `requirement-violated`.',
  audience: 'Whom it concerns: `institute` or `operator`.',
  waitingCount: 'Recipients whose mail waits for delivery, or clients that wait for their banner.',
  ageMs: 'How long the oldest mail has waited.',
  attemptCount: 'Attempts made.',
  checkCount: 'Checks that were repeated.',
  suspicionCount: 'Verdicts that differ and were seen once so far.',
  severity: '`must`, `should` or `info`.',
  was: 'The verdict before: `met`, `violated`, `undetermined` or `not-applicable`.',
  finding: 'The verdict now.',
  messageId: 'Message-ID of the mail Pforte wrote.',
  refused: 'What was refused after a yes: `content` or `recipient`.',
  domains: 'Domains added, changed or removed; 100 at most are listed.',
  domainCount: 'How many they are.',
}
