// How an answer of the next hop changes what is remembered of a recipient. Pure.

import { cleanLine } from '#base/text.ts'
import { replyText, type PeerReply } from '#smtp/reply.ts'
import type { NextHopFacts } from '#nexthop/nexthop.ts'
import { noAnswerText } from './decide.ts'
import { isListed, type LastAnswer, type RecipientEntry, type Standing } from './entry.ts'
import type { CalloutOutcome } from './recipients.ts'

/** `refresh` was asked in the background for a recipient that is accepted; the others decide at once. */
export type AnswerPurpose = 'rcpt' | 'refresh' | 'command' | 'delivery'

export interface HeardAnswer {
  readonly outcome: CalloutOutcome
  readonly purpose: AnswerPurpose
  readonly routeId: string
  readonly nextHop: NextHopFacts
  readonly atMs: number
  readonly tookMs: number
}

export interface Remembered {
  readonly entry: RecipientEntry
  /** The answer as it is shown; also in `entry`. */
  readonly last: LastAnswer
  /** A recipient that was accepted is so no more. */
  readonly isDemoted: boolean
}

/**
 * Unknown outcomes change only what is shown: a failed probe must not clobber a positive before it
 * expires. The first background "no such mailbox" of a recipient that stands is noted, the second one
 * `demoteAfterMs` later takes it back: a server that flaps for a minute costs nobody a mail.
 */
export function remember(
  entry: RecipientEntry,
  heard: HeardAnswer,
  demoteAfterMs: number,
): Remembered {
  const last = lastAnswer(heard)
  const { outcome, atMs, routeId } = heard
  switch (outcome.kind) {
    case 'unknown':
      return { entry: { ...entry, last }, last, isDemoted: false }
    case 'deliverable': {
      const standing: Standing = { kind: 'positive', atMs, routeId }
      return { entry: { ...entry, last, standing, refusedAtMs: null }, last, isDemoted: false }
    }
    case 'undeliverable': {
      const wasAccepted = entry.standing?.kind === 'positive' || isListed(entry)
      if (wasAccepted && heard.purpose === 'refresh' && !isSecond(entry, atMs, demoteAfterMs)) {
        const refusedAtMs = entry.refusedAtMs ?? atMs
        return { entry: { ...entry, last, refusedAtMs }, last, isDemoted: false }
      }
      const reply = boundedReply(outcome.reply)
      const { server } = heard.nextHop
      const standing: Standing = { kind: 'negative', atMs, routeId, server, reply }
      return {
        entry: { ...entry, last, standing, refusedAtMs: null },
        last,
        isDemoted: wasAccepted,
      }
    }
  }
}

function isSecond(entry: RecipientEntry, atMs: number, demoteAfterMs: number): boolean {
  return entry.refusedAtMs !== null && atMs - entry.refusedAtMs >= demoteAfterMs
}

function lastAnswer(heard: HeardAnswer): LastAnswer {
  const { outcome, atMs, tookMs, nextHop } = heard
  return {
    outcome: outcome.kind,
    source: heard.purpose === 'delivery' ? 'delivery' : 'probe',
    reply: outcomeText(outcome),
    stage:
      outcome.kind === 'unknown' && outcome.cause.kind === 'no-answer'
        ? outcome.cause.noAnswer.stage
        : 'rcpt',
    nextHop,
    atMs,
    tookMs,
  }
}

/** The next hop's words, or why there are none: one cleaned line. */
export function outcomeText(outcome: CalloutOutcome): string {
  if (outcome.kind !== 'unknown') return words(outcome.reply)
  const { cause } = outcome
  if (cause.kind !== 'no-answer') return words(cause.reply)
  const { reply } = cause.noAnswer
  return reply === null ? noAnswerText(cause.noAnswer) : words(reply)
}

function words(reply: PeerReply): string {
  return cleanLine(replyText(reply), 500)
}

/** A peer's reply may be as long as it likes; what is kept for ten thousand recipients may not. */
function boundedReply(reply: PeerReply): PeerReply {
  const lines = reply.lines.slice(0, 5).map((line) => line.slice(0, 300))
  return { code: reply.code, status: reply.status, lines }
}
