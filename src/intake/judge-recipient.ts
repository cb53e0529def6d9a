// Decides on one recipient: is its domain served, do our rules object, does its server take it?

import type { MailParameters } from '#smtp/command.ts'
import { forwardPathText, type ForwardPath, type Mailbox } from '#smtp/path.ts'
import { judgeRcpt, type Objection } from '#policy/policy.ts'
import type { AnswerSource, Recipients } from '#recipients/recipients.ts'
import type { Registry, ServedDomain } from '#registry/registry.ts'
import { reject, type Verdict } from '#verdict/verdict.ts'

export interface JudgedRecipient {
  readonly verdict: Verdict
  /** Null when no question was needed. */
  readonly source: AnswerSource | null
  readonly tookMs: number
  /** Set when the verdict is accept. */
  readonly taken: TakenRecipient | null
}

/** A recipient of the open transaction. */
export interface TakenRecipient {
  readonly mailbox: Mailbox
  readonly domain: ServedDomain
  readonly maxMessageBytes: number
  /** Only for known good recipients may the relay take responsibility itself. */
  readonly isKnownGood: boolean
}

export interface RecipientJudgeOptions {
  readonly registry: Pick<Registry, 'find'>
  readonly recipients: Pick<Recipients, 'verify'>
  /** A-label, lower case. */
  readonly hostname: string
  /** Where mail for the relay's own postmaster goes (RFC 5321 §4.5.1); null: nowhere. */
  readonly postmaster: Mailbox | null
  readonly maxMessageBytes: number
  /** What the mail rules say of this recipient of the open transaction; null: none is on. Never rejects. */
  readonly mailRules?: ((recipient: Mailbox) => Objection | null | Promise<Objection | null>) | null
  /** Local parts may name a way to another place (`user%other`). */
  readonly isRoutingAccepted: boolean
}

/** A value when nothing has to be asked, so that the common case costs no promise. */
export function judgeRecipient(
  options: RecipientJudgeOptions,
  path: ForwardPath,
  parameters: MailParameters,
  taken: readonly TakenRecipient[],
): JudgedRecipient | Promise<JudgedRecipient> {
  const mailbox = mailboxOf(options, path)
  const domain = mailbox === null ? undefined : options.registry.find(mailbox.domain)
  if (mailbox === null || domain === undefined) {
    return decided(reject({ kind: 'not-served', domain: domainText(options, path) }))
  }
  const limit = Math.min(domain.profile.maxMessageBytes ?? Infinity, options.maxMessageBytes)
  const takenLimit = taken[0]?.maxMessageBytes ?? null
  const objection = judgeRcpt({
    domain,
    local: mailbox.local,
    isRoutingAccepted: options.isRoutingAccepted,
    parameters,
    maxMessageBytes: limit,
    takenMaxMessageBytes: takenLimit,
    taken,
  })
  if (objection !== null) return decided(objection)
  const { isSmtpUtf8, sizeBytes } = parameters
  const ask = (): JudgedRecipient | Promise<JudgedRecipient> => {
    const answer = options.recipients.verify({ domain, mailbox, isSmtpUtf8, sizeBytes })
    return answer instanceof Promise
      ? answer.then((value) => ofAnswer(value, mailbox, domain, limit))
      : ofAnswer(answer, mailbox, domain, limit)
  }
  // Whoever is refused by mistake has to be able to say so (RFC 5321 §4.5.1).
  const ruled = isPostmaster(path) ? null : (options.mailRules?.(mailbox) ?? null)
  if (ruled instanceof Promise) return ruled.then((word) => (word === null ? ask() : decided(word)))
  return ruled === null ? ask() : decided(ruled)
}

function isPostmaster(path: ForwardPath): boolean {
  return path.kind === 'postmaster' || path.mailbox.local.toLowerCase() === 'postmaster'
}

/** The relay's own postmaster, and postmaster without a domain, are the operator's mailbox. */
function mailboxOf(options: RecipientJudgeOptions, path: ForwardPath): Mailbox | null {
  if (path.kind === 'postmaster') return options.postmaster
  const { local, domain } = path.mailbox
  const isOwn = domain === options.hostname && local.toLowerCase() === 'postmaster'
  return isOwn ? options.postmaster : path.mailbox
}

function domainText(options: RecipientJudgeOptions, path: ForwardPath): string {
  return path.kind === 'mailbox'
    ? path.mailbox.domain
    : `${forwardPathText(path)} of ${options.hostname}`
}

function decided(verdict: Verdict): JudgedRecipient {
  return { verdict, source: null, tookMs: 0, taken: null }
}

function ofAnswer(
  answer: Awaited<ReturnType<Recipients['verify']>>,
  mailbox: Mailbox,
  domain: ServedDomain,
  maxMessageBytes: number,
): JudgedRecipient {
  const { verdict, source, tookMs, isKnownGood } = answer
  const taken = verdict.kind === 'accept' ? { mailbox, domain, maxMessageBytes, isKnownGood } : null
  return { verdict, source, tookMs, taken }
}
