// What a mail to a token is: a delivery report (RFC 3464), a failure in other words, a receipt (RFC 8098), an automatic
// reply (RFC 3834), or a mail. Hostile input: bounded, linear, never throws.

import type { ReportAction, Returned } from './catcher.ts'
import {
  decodedBody,
  decodeWords,
  entitiesOf,
  parameterOf,
  parseEntity,
  parseFields,
  type Entity,
} from './entity.ts'

export interface ReturnedMail {
  /** The reverse-path is `<>`. */
  readonly isNullSender: boolean
  /** The beginning of the content in wire form; what follows is not looked at. */
  readonly head: Buffer
  /** The confirmation code of the run. */
  readonly code: string
}

/** So much of a mail is looked at. */
export const maxHeadBytes: number = 256 * 1024
const maxTextLength = 500
/** So much of what people read is searched. */
const maxProseLength = 32 * 1024

export function classifyMail({ isNullSender, head, code }: ReturnedMail): Returned {
  const mail = parseEntity(plainLines(head))
  const parts = entitiesOf(mail)
  const subject = cut(decodeWords(mail.field('subject').slice(0, 2000)))
  const report = reportIn(mail, parts)
  if (report !== null) return withDiagnostic(report, parts)
  if (isReceipt(mail, parts)) return { kind: 'receipt', subject }
  const prose = proseOf(parts)
  const bounce = bounceIn(mail, subject, prose, isNullSender)
  if (bounce !== null) return bounce
  if (isNullSender || isAutomatic(mail, subject)) return { kind: 'auto-reply', subject }
  return { kind: 'mail', subject, hasCode: code !== '' && prose.toLowerCase().includes(code) }
}

/** Without dot-stuffing and the final dot (RFC 5321 §4.5.2), whatever ends its lines. */
function plainLines(head: Buffer): string {
  return head
    .subarray(0, maxHeadBytes)
    .toString('latin1')
    .replaceAll(/\r\n|\r/g, '\n')
    .replace(/(?:^|(?<=\n))\.\n$/, '')
    .replaceAll('\n..', '\n.')
}

function cut(text: string): string {
  return text.slice(0, maxTextLength)
}

function reportIn(mail: Entity, parts: readonly Entity[]): Returned | null {
  const status = parts.find(({ type }) => /^message\/(?:global-)?delivery-status$/.test(type))
  if (status !== undefined) return reportFrom(decodedBody(status))
  const isReport =
    mail.type === 'multipart/report' &&
    parameterOf(mail, 'report-type').toLowerCase() === 'delivery-status'
  return isReport ? reportFrom('') : null
}

/** Exim writes the reason into what people read, and not into its report. */
function withDiagnostic(report: Returned, parts: readonly Entity[]): Returned {
  if (report.kind !== 'report' || report.diagnostic !== '') return report
  return { ...report, diagnostic: cut(failureLine(proseOf(parts)) ?? '') }
}

/** One group of fields for the mail, then one for each recipient (RFC 3464 §2.1); ours have one recipient. */
function reportFrom(text: string): Returned {
  const groups = text.split(/\n[ \t]*\n/, 50).map(parseFields)
  const found = (fields: ReadonlyMap<string, string>, name: string): string =>
    cut(fields.get(name) ?? '')
  const about = groups.filter((group) => group.has('action') || group.has('status'))
  const chosen =
    about.find((group) => actionOf(group) === 'failed') ?? about[0] ?? new Map<string, string>()
  const reporting = groups.find((group) => group.has('reporting-mta'))
  return {
    kind: 'report',
    action: actionOf(chosen),
    reportingMta: reporting === undefined ? '' : found(reporting, 'reporting-mta'),
    finalRecipient: found(chosen, 'final-recipient') || found(chosen, 'original-recipient'),
    status: found(chosen, 'status'),
    diagnostic: found(chosen, 'diagnostic-code'),
  }
}

const actions: readonly string[] = ['failed', 'delayed', 'delivered', 'relayed', 'expanded']

function actionOf(fields: ReadonlyMap<string, string>): ReportAction {
  const word = /^[a-z]+/.exec(fields.get('action')?.toLowerCase() ?? '')?.[0] ?? ''
  if (actions.includes(word)) return word as ReportAction
  switch (fields.get('status')?.charAt(0) ?? '') {
    case '5':
      return 'failed'
    case '4':
      return 'delayed'
    case '2':
      return 'delivered'
    default:
      return 'unknown'
  }
}

const failureSubject =
  /undeliver|delivery (?:status notification|report|has failed|failed|failure|problem|error)|delivery to the following|returned mail|returned to sender|failure notice|mail (?:delivery )?(?:failed|failure)|non-?delivery|could not be delivered|rejected mail|unzustellbar|nicht zugestellt|nicht zustellbar|zustellung fehlgeschlagen|zustellungsfehler|fehlgeschlagene zustellung/i
const delaySubject =
  /delay(?:ed)?\b|still being retried|(?:not been|could not be) (?:delivered|sent)[^\n]{0,40}(?:yet|for past|hours)|verz(?:\u00f6|oe|\u00c3\u00b6)ger/i
const qmail = /^Hi\. This is the [^\n]{0,60}(?:qmail|program at)/m
/** What programs write when they could not deliver: a reply of a server, or a status. */
const failureProse =
  /(?:^|[\s:(#<])5\d\d[ -](?:5\.\d{1,3}\.\d{1,3}\b|[^\n]{0,60}(?:unknown|reject|denied|not found|unavailable|disabled|no such))|#5\.\d{1,3}\.\d{1,3}\b|no such (?:user|mailbox|recipient)|user unknown|unknown user|mailbox (?:not found|unavailable|is full)|recipient address rejected|address (?:does not exist|couldn't be found)|unrouteable address/i
const daemon = /\b(?:mailer-daemon|mail delivery (?:sub)?system|postmaster|mail-daemon)\b/i

function bounceIn(
  mail: Entity,
  subject: string,
  prose: string,
  isNullSender: boolean,
): Returned | null {
  const isMarked =
    mail.field('x-failed-recipients') !== '' ||
    mail.field('x-ms-exchange-message-is-ndr') !== '' ||
    qmail.test(prose)
  const isFromDaemon = isNullSender || daemon.test(mail.field('from').slice(0, 500))
  // The subject of an automatic reply repeats ours, and ours says nothing of deliveries.
  const isWorded = failureSubject.test(subject) || delaySubject.test(subject)
  // Exim says auto-replied of its bounces too, but these are marked and worded.
  const isReply = /^auto-replied\b/i.test(mail.field('auto-submitted'))
  const isInProse = isNullSender && !isReply && failureProse.test(prose)
  const isBounce = isMarked || (isFromDaemon && (isWorded || isInProse))
  if (!isBounce) return null
  const isDelay = delaySubject.test(subject) && !failureSubject.test(subject)
  return {
    kind: 'bounce',
    action: isDelay ? 'delayed' : 'failed',
    diagnostic: cut(failureLine(prose) ?? subject),
  }
}

function failureLine(prose: string): string | undefined {
  return prose
    .split('\n')
    .find((each) => failureProse.test(each))
    ?.trim()
}

function isReceipt(mail: Entity, parts: readonly Entity[]): boolean {
  return (
    parts.some(({ type }) => /^message\/(?:global-)?disposition-notification$/.test(type)) ||
    parameterOf(mail, 'report-type').toLowerCase() === 'disposition-notification'
  )
}

const automaticSubject =
  /^\W*(?:auto(?:matic)?[ -]?(?:reply|response|antwort)|out of (?:the )?office|automatische antwort|abwesenheit|abwesend|vacation|\[?(?:ticket|case)\b)/i

function isAutomatic(mail: Entity, subject: string): boolean {
  const submitted = mail.field('auto-submitted').toLowerCase()
  return (
    (submitted !== '' && !/^no\b/.test(submitted)) ||
    /^\s*(?:auto[_-]reply|bulk|junk|list)/i.test(mail.field('precedence')) ||
    ['x-autoreply', 'x-autorespond', 'x-autoresponder', 'x-auto-reply'].some(
      (name) => mail.field(name) !== '',
    ) ||
    automaticSubject.test(subject)
  )
}

/** What people read, without what is attached. */
function proseOf(parts: readonly Entity[]): string {
  let prose = ''
  for (const part of parts) {
    if (!/^text\/(?:plain|html)$/.test(part.type) || prose.length >= maxProseLength) continue
    prose += `${decodedBody(part).slice(0, maxProseLength)}\n`
  }
  return prose.slice(0, maxProseLength)
}
