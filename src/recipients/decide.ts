// What the client gets at RCPT: the table of docs/flow.md, as a pure function.

import { accept, defer, reject, type DeferReason, type Verdict } from '#verdict/verdict.ts'
import { cleanLine } from '#base/text.ts'
import { replyText } from '#smtp/reply.ts'
import type { NoAnswer } from '#nexthop/nexthop.ts'
import { isListed, type RecipientEntry, type Standing } from './entry.ts'
import type { AnswerSource, CalloutOutcome, RecipientAnswer, UnknownCause } from './recipients.ts'

/** How long answers count. All in milliseconds. */
export interface AgeRules {
  readonly positiveFreshMs: number
  readonly positiveRefreshMs: number
  readonly positiveStaleMs: number
  readonly negativeFreshMs: number
  readonly negativeLimitMs: number
  /** Two background refusals at least this far apart take a positive back. */
  readonly demoteAfterMs: number
}

export interface LiveAnswer {
  readonly outcome: CalloutOutcome
  readonly server: string
  readonly tookMs: number
}

export interface Situation {
  readonly entry: RecipientEntry | undefined
  /** The answer to a question asked just now for this recipient; null: none was asked yet. */
  readonly live: LiveAnswer | null
  /** The breaker is open: asking is of no use. */
  readonly isTargetDown: boolean
  /** The target takes any recipient, so its yes says little about a mailbox. */
  readonly isCatchAll: boolean
  readonly routeId: string
  /** Name of the target for people, used when nobody answered. */
  readonly server: string
  /** `measured-missing`: the server has not been reached, and did not offer it when it was measured. */
  readonly smtpUtf8: 'not-needed' | 'offered' | 'missing' | 'measured-missing' | 'unknown'
  readonly nowMs: number
}

export type Decision =
  | { readonly kind: 'ask' }
  /** `refresh`: the answer stands, but should be asked again in the background. */
  | { readonly kind: 'answer'; readonly answer: RecipientAnswer; readonly refresh: boolean }

const ask: Decision = Object.freeze({ kind: 'ask' })

/** With a live answer the decision is never `ask`. */
export function decide(situation: Situation, rules: AgeRules): Decision {
  return situation.live === null
    ? decideRemembered(situation, rules)
    : { kind: 'answer', answer: decideLive(situation, situation.live, rules), refresh: false }
}

function decideRemembered(situation: Situation, rules: AgeRules): Decision {
  const { entry, isTargetDown, nowMs } = situation
  if (entry === undefined) return nothingKnown(situation)
  if (entry.pinnedUntilMs > nowMs) return accepted(situation, 'pin', true, false)
  const listed = isListed(entry)
  const { standing } = entry
  if (standing?.kind === 'positive') {
    const isKnownGood = listed || isTrusted(standing, situation, rules)
    const isAccepted = isTargetDown ? isKnownGood : isFreshPositive(standing, situation, rules)
    if (isAccepted) {
      return accepted(situation, 'cache', isKnownGood, needsRefresh(entry, nowMs, rules))
    }
  }
  if (listed) return accepted(situation, 'list', true, needsRefresh(entry, nowMs, rules))
  if (standing?.kind === 'negative') return decideNegative(standing, situation, rules)
  return nothingKnown(situation)
}

/** The word of another server than the one asked today says nothing: then `nothing` is known. */
function decideNegative(
  standing: Standing & { readonly kind: 'negative' },
  situation: Situation,
  rules: AgeRules,
): Decision {
  const ageMs = situation.nowMs - standing.atMs
  const limitMs = situation.isTargetDown
    ? Math.max(rules.negativeLimitMs, rules.negativeFreshMs)
    : rules.negativeFreshMs
  // A clock that was set back must not keep a refusal alive.
  const isCurrent = ageMs >= 0 && ageMs <= limitMs && standing.routeId === situation.routeId
  if (!isCurrent) return nothingKnown(situation)
  const { server, reply } = standing
  const verdict = reject({ kind: 'recipient-unknown', server, reply })
  return fromMemory(verdict, 'cache', false, false)
}

function nothingKnown(situation: Situation): Decision {
  if (!situation.isTargetDown) return ask
  const detail = 'it did not answer a moment ago'
  const verdict = defer({ kind: 'next-hop-unreachable', server: situation.server, detail })
  return fromMemory(verdict, 'cache', false, false)
}

function accepted(
  situation: Situation,
  source: AnswerSource,
  isKnownGood: boolean,
  refresh: boolean,
): Decision {
  const { smtpUtf8, isTargetDown, server } = situation
  if (smtpUtf8 === 'missing') {
    return fromMemory(reject({ kind: 'smtputf8-unsupported', server }), source, isKnownGood, false)
  }
  // A server that is up says itself what it offers. One that is not must not get it from the spool, and the
  // word of another day is no reason for a 5yz.
  if (smtpUtf8 === 'measured-missing' && isTargetDown) return nothingKnown(situation)
  if ((smtpUtf8 === 'unknown' || smtpUtf8 === 'measured-missing') && !isTargetDown) return ask
  return fromMemory(accept, source, isKnownGood, refresh && !isTargetDown)
}

// The common path makes no garbage: a known-good recipient always gets one of these two.
const acceptKnownGood: Decision = remembered(accept, 'cache', true, false)
const acceptAndRefresh: Decision = remembered(accept, 'cache', true, true)

function fromMemory(
  verdict: Verdict,
  source: AnswerSource,
  isKnownGood: boolean,
  refresh: boolean,
): Decision {
  if (verdict === accept && source === 'cache' && isKnownGood) {
    return refresh ? acceptAndRefresh : acceptKnownGood
  }
  return remembered(verdict, source, isKnownGood, refresh)
}

function remembered(
  verdict: Verdict,
  source: AnswerSource,
  isKnownGood: boolean,
  refresh: boolean,
): Decision {
  return { kind: 'answer', answer: { verdict, source, isKnownGood, tookMs: 0 }, refresh }
}

function isFreshPositive(standing: Standing, situation: Situation, rules: AgeRules): boolean {
  return (
    standing.routeId === situation.routeId &&
    situation.nowMs - standing.atMs <= rules.positiveFreshMs
  )
}

/** Good enough for an outage, when the spool will carry the mail. */
function isTrusted(standing: Standing, situation: Situation, rules: AgeRules): boolean {
  return !situation.isCatchAll && situation.nowMs - standing.atMs < rules.positiveStaleMs
}

/** Past the refresh age, and the last question is not so young that another one would be a burden. */
function needsRefresh(entry: RecipientEntry, nowMs: number, rules: AgeRules): boolean {
  const { standing, last } = entry
  if (standing?.kind === 'positive' && nowMs - standing.atMs < rules.positiveRefreshMs) return false
  return last === null || nowMs - last.atMs >= rules.demoteAfterMs || nowMs < last.atMs
}

function decideLive(situation: Situation, live: LiveAnswer, rules: AgeRules): RecipientAnswer {
  const { entry, isCatchAll, nowMs } = situation
  const { outcome, server, tookMs } = live
  if (entry !== undefined && entry.pinnedUntilMs > nowMs) {
    return { verdict: accept, source: 'pin', isKnownGood: true, tookMs }
  }
  if (outcome.kind === 'unknown') return decideUnknown(situation, outcome.cause, live, rules)
  const isYes = outcome.kind === 'deliverable'
  const isKnownGood = isYes && (!isCatchAll || (entry !== undefined && isListed(entry)))
  return { verdict: verdictOf(outcome, server), source: 'live', isKnownGood, tookMs }
}

function decideUnknown(
  situation: Situation,
  cause: UnknownCause,
  live: LiveAnswer,
  rules: AgeRules,
): RecipientAnswer {
  const { server, tookMs } = live
  if (cause.kind === 'no-answer' && cause.noAnswer.kind !== 'smtputf8-unsupported') {
    // As with an open breaker: what is known good is accepted, the rest is told who does not answer.
    const fallback = decideRemembered({ ...situation, isTargetDown: true }, rules)
    if (fallback.kind === 'answer' && fallback.answer.verdict.kind !== 'defer') {
      return { ...fallback.answer, tookMs }
    }
  }
  return { verdict: verdictOfUnknown(cause, server), source: 'live', isKnownGood: false, tookMs }
}

/** What an answer to RCPT itself means for the client, whatever is remembered. */
export function verdictOf(outcome: CalloutOutcome, server: string): Verdict {
  switch (outcome.kind) {
    case 'deliverable':
      return accept
    case 'undeliverable':
      return reject({ kind: 'recipient-unknown', server, reply: outcome.reply })
    case 'unknown':
      return verdictOfUnknown(outcome.cause, server)
  }
}

function verdictOfUnknown(cause: UnknownCause, server: string): Verdict {
  switch (cause.kind) {
    case 'no-answer':
      return cause.noAnswer.kind === 'smtputf8-unsupported'
        ? reject({ kind: 'smtputf8-unsupported', server })
        : defer(unreachable(server, noAnswerText(cause.noAnswer)))
    case 'deferred':
      return defer({ kind: 'next-hop-deferred', server, reply: cause.reply })
    case 'refused-policy':
      return defer({ kind: 'next-hop-policy', server, reply: cause.reply })
    case 'mailbox-full':
      return defer({ kind: 'mailbox-full', server, reply: cause.reply })
    case 'too-big':
      return reject({
        kind: 'too-large-for-recipient',
        server,
        detail: cleanLine(replyText(cause.reply), maxDetailLength),
      })
    case 'unverified': {
      const said = cleanLine(replyText(cause.reply), maxDetailLength)
      return defer(unreachable(server, `rcpt: it does not say whether the mailbox exists: ${said}`))
    }
  }
}

const maxDetailLength = 200

function unreachable(server: string, detail: string): DeferReason {
  return { kind: 'next-hop-unreachable', server, detail }
}

/** `connect: connection refused`, or `ehlo: 550 5.7.1 go away`. Cleaned, one line. */
export function noAnswerText(cause: NoAnswer): string {
  const words = cause.reply === null ? cause.detail : replyText(cause.reply)
  return cleanLine(`${cause.stage}: ${words === '' ? cause.kind : words}`, maxDetailLength)
}
