// The reply catalogue of the manual: every reason with its code, status and text, printed from the tables
// that make the replies, so that it cannot say anything else.

import { encodeReply, type PeerReply } from '#smtp/reply.ts'
import { verdictReply } from './replies.ts'
import {
  defer,
  reject,
  type DeferReason,
  type Deferral,
  type OriginReason,
  type RejectReason,
  type Rejection,
} from './verdict.ts'

type Samples<Reason extends { readonly kind: string }> = {
  readonly [Kind in Reason['kind']]: Extract<Reason, { readonly kind: Kind }>
}

const server = 'mail.inst.example'

function said(code: number, status: string, text: string): PeerReply {
  return { code, status, lines: [text] }
}

const client = { address: '192.0.2.7', name: 'dyn-192-0-2-7.pool.example' }

const sampleOriginReasons: Samples<OriginReason> = {
  'reverse-dns-missing': { kind: 'reverse-dns-missing', address: client.address },
  'reverse-dns-inconsistent': { kind: 'reverse-dns-inconsistent', ...client },
  'dynamic-address': { kind: 'dynamic-address', ...client },
  'sender-domain-missing': { kind: 'sender-domain-missing', domain: 'sender.example' },
  'sender-null-mx': { kind: 'sender-null-mx', domain: 'sender.example' },
}

/** One of each; a reason without a sample does not compile. */
export const sampleDeferReasons: Samples<DeferReason> = {
  'next-hop-unreachable': {
    kind: 'next-hop-unreachable',
    server,
    detail: 'connect: no connection to 192.0.2.7 port 25 (ECONNREFUSED)',
  },
  'next-hop-deferred': {
    kind: 'next-hop-deferred',
    server,
    reply: said(450, '4.2.0', 'Greylisted'),
  },
  'next-hop-policy': {
    kind: 'next-hop-policy',
    server,
    reply: said(550, '5.7.1', 'Client host blocked'),
  },
  'mailbox-full': { kind: 'mailbox-full', server, reply: said(552, '5.2.2', 'Mailbox full') },
  'recipients-changed': { kind: 'recipients-changed', server },
  'domain-suspended': { kind: 'domain-suspended', domain: 'inst.example' },
  'too-many-recipients': { kind: 'too-many-recipients', maxCount: 100 },
  'separate-transaction': { kind: 'separate-transaction', domain: 'inst.example' },
  'too-many-unknown-recipients': { kind: 'too-many-unknown-recipients' },
  'too-much-guessing': { kind: 'too-much-guessing', network: '192.0.2.0/24' },
  'storage-failed': { kind: 'storage-failed' },
  'spool-failed': { kind: 'spool-failed', server },
  'not-kept': { kind: 'not-kept', domain: 'inst.example', what: 'lines above 998 octets' },
  ...sampleOriginReasons,
  'dns-failed': { kind: 'dns-failed', subject: 'sender.example', detail: 'timeout' },
  greylisted: { kind: 'greylisted', waitMs: 300_000 },
  'internal-error': { kind: 'internal-error' },
  'too-many-connections': { kind: 'too-many-connections', network: '192.0.2.7', maxCount: 50 },
  'connecting-too-often': { kind: 'connecting-too-often', network: '192.0.2.0/24', maxCount: 1200 },
}

export const sampleRejectReasons: Samples<RejectReason> = {
  'not-served': { kind: 'not-served', domain: 'other.example' },
  'routed-recipient': { kind: 'routed-recipient' },
  'recipient-unknown': {
    kind: 'recipient-unknown',
    server,
    reply: said(550, '5.1.1', 'User unknown'),
  },
  'next-hop-rejected': {
    kind: 'next-hop-rejected',
    server,
    reply: said(554, '5.7.1', 'Executable attachment'),
  },
  'too-large': { kind: 'too-large', maxBytes: 52_428_800 },
  'too-large-for-recipient': {
    kind: 'too-large-for-recipient',
    server,
    detail: 'the limit is 10485760 bytes',
  },
  'smtputf8-unsupported': { kind: 'smtputf8-unsupported', server },
  '8bitmime-unsupported': { kind: '8bitmime-unsupported', server: 'inst.example' },
  'line-too-long': { kind: 'line-too-long', domain: 'inst.example', maxBytes: 998 },
  'bare-newline': { kind: 'bare-newline' },
  loop: { kind: 'loop', hopCount: 50 },
  'header-too-large': { kind: 'header-too-large', maxBytes: 262_144 },
  ...sampleOriginReasons,
  'client-denied': { kind: 'client-denied', client: '192.0.2.7' },
  'client-listed': { kind: 'client-listed', client: '192.0.2.7', zones: ['list.example'] },
  'talked-first': { kind: 'talked-first' },
}

/** Where a client can get each reason. A reason without a row does not compile. */
const when: Readonly<Record<DeferReason['kind'] | RejectReason['kind'], string>> = {
  'next-hop-unreachable': 'RCPT, end of data',
  'next-hop-deferred': 'RCPT, end of data',
  'next-hop-policy': 'RCPT',
  'mailbox-full': 'RCPT',
  'recipients-changed': 'end of data',
  'domain-suspended': 'RCPT',
  'too-many-recipients': 'RCPT',
  'separate-transaction': 'RCPT',
  'too-many-unknown-recipients': 'RCPT; the connection is closed',
  'too-much-guessing': 'RCPT, for recipients that are not known to exist',
  'storage-failed': 'MAIL, end of data',
  'spool-failed': 'end of data',
  'not-kept': 'end of data',
  'reverse-dns-missing': 'RCPT, `policy.reverseDnsMissing`',
  'reverse-dns-inconsistent': 'RCPT, `policy.reverseDnsInconsistent`',
  'dynamic-address': 'RCPT, `policy.dynamicAddress`',
  'sender-domain-missing': 'RCPT, `policy.senderDomainMissing`',
  'sender-null-mx': 'RCPT, `policy.senderNullMx`',
  'dns-failed': 'RCPT, `policy.dnsFailure: defer`',
  greylisted: 'RCPT, `policy.greylisting`',
  'internal-error': 'anywhere',
  'not-served': 'RCPT',
  'routed-recipient': 'RCPT',
  'recipient-unknown': 'RCPT',
  'next-hop-rejected': 'end of data',
  'too-large': 'MAIL with SIZE, end of data',
  'too-large-for-recipient': 'RCPT',
  'smtputf8-unsupported': 'RCPT',
  '8bitmime-unsupported': 'RCPT, `domain set --8bitmime off`',
  'line-too-long': 'end of data, `domain set --max-line`',
  'bare-newline': 'end of data',
  loop: 'end of data',
  'header-too-large': 'end of data',
  'too-many-connections': 'in place of the banner; the connection is closed',
  'connecting-too-often': 'in place of the banner; the connection is closed',
  'client-denied': 'in place of the banner; the connection is closed',
  'client-listed': 'in place of the banner; the connection is closed',
  'talked-first': 'in place of the banner, or of its last line; the connection is closed',
}

/** A page in Markdown, ending in a line feed. What the dialog itself says is added by session/. */
export function repliesPage(): string {
  const verdicts: readonly (Deferral | Rejection)[] = [
    ...Object.values(sampleDeferReasons).map(defer),
    ...Object.values(sampleRejectReasons).map(reject),
  ]
  return `# Replies

Generated; written with \`UPDATE_DOCS=1 node --test src/session/catalogue.test.ts\`.

## Replies about senders, recipients and mails

Printed from \`src/verdict/replies.ts\`. Replies to RCPT have the recipient in front (\`<x@inst.example>: \`); a trace id in
brackets follows where there is one. Texts behind "says:" are the institute's own, cleaned. With \`next-hop-deferred\` and
\`next-hop-rejected\` the institute's code and status are passed on where a client may get them (450, 451, 452, 550 to 554).
Those in place of the banner have the relay's own name in front (\`mailrelay1.example.org \`).
A mail for one recipient whose server changes its mind at the hand-over gets at end of data what it would get at RCPT.

| reason | when | example |
|---|---|---|
${verdicts.map(row).join('')}`
}

function row(verdict: Deferral | Rejection): string {
  const { kind } = verdict.reason
  const example = encodeReply(verdictReply(verdict, '', '')).trimEnd()
  return `| \`${kind}\` | ${when[kind]} | \`${example}\` |\n`
}
