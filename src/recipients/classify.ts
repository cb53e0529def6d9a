// What a probe's answer means for the recipient: deliverable, undeliverable or unknown.
// docs/flow.md; the reading of refusals is data in reply-classes.ts.

import { isPermanent, isTransient, replyText, type PeerReply } from '#smtp/reply.ts'
import type { NoAnswer, ProbeResult } from '#nexthop/nexthop.ts'
import type { ReplyPattern } from '#registry/registry.ts'
import type { CalloutOutcome } from './recipients.ts'
import { matchesPattern } from './reply-pattern.ts'
import { replyRules, type ReplyClass, type ReplyRule } from './reply-classes.ts'

/** A peer may send long replies; nothing after this many characters is looked at. */
const maxTextLength = 1000

/** The recipient asked for, so that its own address in a reply is not taken for words. */
export interface ClassifyContext {
  readonly patterns: readonly ReplyPattern[]
  /** Local part as written in the question. */
  readonly local: string
  /** SIZE was declared in the question. */
  readonly isSizeDeclared: boolean
}

export function classifyProbe(result: ProbeResult, context: ClassifyContext): CalloutOutcome {
  if (result.kind === 'answered') return classifyReply(result.reply, context)
  const { cause } = result
  if (context.isSizeDeclared && isSizeRefusal(cause) && cause.reply !== null) {
    return { kind: 'unknown', cause: { kind: 'too-big', reply: cause.reply } }
  }
  return { kind: 'unknown', cause: { kind: 'no-answer', noAnswer: cause } }
}

/** The answer to RCPT, of a probe or of a delivery. */
export function classifyReply(reply: PeerReply, context: ClassifyContext): CalloutOutcome {
  if (reply.code === 250 || reply.code === 251) return { kind: 'deliverable', reply }
  if (isTransient(reply) || isPermanent(reply)) return classifyRefusal(reply, context)
  // 252 does not say (RFC 5321 §3.5.3); other codes are no answer to RCPT at all.
  return { kind: 'unknown', cause: { kind: 'unverified', reply } }
}

/**
 * MAIL refused because of the SIZE we declared (RFC 1870 §6.1): this mail is too big for the server,
 * which says nothing about the server's health or the mailbox.
 */
function isSizeRefusal(cause: NoAnswer): boolean {
  if (cause.kind !== 'refused' || cause.stage !== 'mail' || cause.reply === null) return false
  const { code, status } = cause.reply
  return code === 552 && (status === null || status === '5.3.4' || status === '5.2.3')
}

function classifyRefusal(reply: PeerReply, context: ClassifyContext): CalloutOutcome {
  const pattern = isPermanent(reply) ? findPattern(reply, context.patterns) : undefined
  if (pattern?.means === 'no-such-mailbox') return { kind: 'undeliverable', reply }
  const means = readRefusal(reply, context.local)
  switch (means) {
    case 'no-such-mailbox':
      return pattern === undefined
        ? { kind: 'undeliverable', reply }
        : { kind: 'unknown', cause: { kind: 'refused-policy', reply } }
    case 'mailbox-full':
    case 'too-big':
    case 'deferred':
      return { kind: 'unknown', cause: { kind: means, reply } }
    case 'policy':
      return { kind: 'unknown', cause: { kind: 'refused-policy', reply } }
  }
}

function findPattern(
  reply: PeerReply,
  patterns: readonly ReplyPattern[],
): ReplyPattern | undefined {
  if (patterns.length === 0) return undefined
  const text = replyText(reply).slice(0, maxTextLength)
  return patterns.find((pattern) => matchesPattern(pattern.text, text))
}

/** The row of the table that fits a 4yz or 5yz to RCPT. */
export function readRefusal(reply: PeerReply, local: string): ReplyClass {
  const raw = reply.lines.join(' ').slice(0, maxTextLength)
  const status = reply.status ?? /\(#(\d\.\d{1,3}\.\d{1,3})\)/.exec(raw)?.[1] ?? 'none' // qmail
  const text = wordsOf(raw, local)
  const replyClass = isPermanent(reply) ? 5 : 4
  const rule = replyRules.find(
    (candidate) =>
      candidate.replyClass === replyClass && fitsRule(candidate, reply.code, status, text),
  )
  return rule?.means ?? 'policy'
}

function fitsRule(rule: ReplyRule, code: number, status: string, text: string): boolean {
  if (rule.codes !== null && !rule.codes.includes(code)) return false
  if (rule.statuses !== null && !rule.statuses.some((one) => fitsStatus(one, status))) return false
  return rule.words === null || rule.words.some((word) => text.includes(` ${word}`))
}

function fitsStatus(expected: string, status: string): boolean {
  if (expected === 'none') return status === 'none' || /^[45]\.0\.0$/.test(status)
  return expected.endsWith('*') ? status.startsWith(expected.slice(0, -1)) : status === expected
}

/** Lower-case words, each after one space, without the recipient's address in the usual quotings. */
function wordsOf(text: string, local: string): string {
  const words = text
    .toLowerCase()
    .split(/\s+/)
    .filter((token) => !isAddress(token, local.toLowerCase()))
  return ` ${words.join(' ').replace(/[^\p{L}\p{N}]+/gu, ' ')}`
}

function isAddress(token: string, local: string): boolean {
  if (token.includes('@')) return true
  // `<spam>`, `"spam"`, `spam...` (sendmail); a naked `spam` may be a word of the server's.
  const inner = /^[<"'[(](.*?)[>"')\]][:,.;]*$/.exec(token)?.[1] ?? /^(.*?)\.\.\.$/.exec(token)?.[1]
  return inner === local
}
