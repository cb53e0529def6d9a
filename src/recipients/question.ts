// One question to a next hop: null reverse-path first, a fixed sender where the target wants one.

import type { Clock } from '#base/clock.ts'
import type { NextHopFacts, NextHops, ProbeResult, Question } from '#nexthop/nexthop.ts'
import type { ServedDomain } from '#registry/registry.ts'
import { classifyProbe } from './classify.ts'
import type { CalloutOutcome } from './recipients.ts'

export interface Asked {
  readonly outcome: CalloutOutcome
  readonly nextHop: NextHopFacts
  readonly tookMs: number
}

export interface QuestionOptions {
  readonly nextHops: Pick<NextHops, 'probe'>
  readonly clock: Clock
  /** Without angle brackets. */
  readonly probeSender: string
  /** Of everything one question costs, the second attempt with another sender included. */
  readonly totalTimeoutMs: number
  /** Routes whose server refuses the null reverse-path. Changed here when one is found out. */
  readonly probeSenderRoutes: Set<string>
  readonly onProbeSender: (routeId: string, isNeeded: boolean) => void
  readonly signal: AbortSignal
}

export interface RecipientQuestion {
  readonly domain: ServedDomain
  /** Local part as it is asked for. */
  readonly local: string
  readonly sizeBytes: number | null
  readonly isSmtpUtf8: boolean
}

/**
 * Asks the callout route of the domain. Some servers refuse MAIL FROM:<> out of principle; they are
 * asked again with the probe sender, and from then on with that one first. (And the other way round,
 * when they change their mind.) Others take it and answer RCPT otherwise than for a mail, which only the
 * domain's profile knows: it says which one comes first.
 */
export async function askNextHop(
  asked: RecipientQuestion,
  options: QuestionOptions,
): Promise<Asked> {
  const { calloutRoute: route } = asked.domain
  const startedAt = options.clock.monotonicMs()
  const isNullFirst = isNullSenderFirst(asked.domain, options)
  let result = await probe(asked, isNullFirst, options.totalTimeoutMs, options)
  const remainingMs = options.totalTimeoutMs - (options.clock.monotonicMs() - startedAt)
  if (isSenderRefused(result) && options.probeSender !== '' && remainingMs > 0) {
    result = await probe(asked, !isNullFirst, remainingMs, options)
    if (result.kind === 'answered') noteSender(route.id, isNullFirst, options)
  }
  const outcome = classifyProbe(result, {
    patterns: asked.domain.replyPatterns,
    local: asked.local,
    isSizeDeclared: asked.sizeBytes !== null,
  })
  const { nextHop } = result
  return { outcome, nextHop, tookMs: options.clock.monotonicMs() - startedAt }
}

function isNullSenderFirst(
  { profile, calloutRoute }: ServedDomain,
  options: QuestionOptions,
): boolean {
  if (profile.calloutSender !== null) return profile.calloutSender === 'null'
  return !options.probeSenderRoutes.has(calloutRoute.id)
}

async function probe(
  asked: RecipientQuestion,
  isNullSender: boolean,
  budgetMs: number,
  options: QuestionOptions,
): Promise<ProbeResult> {
  const question: Question = {
    reversePath: isNullSender ? '' : options.probeSender,
    recipient: `${asked.local}@${asked.domain.domain}`,
    sizeBytes: asked.sizeBytes,
    isSmtpUtf8: asked.isSmtpUtf8,
  }
  const within = { signal: options.signal, budgetMs }
  return await options.nextHops.probe(asked.domain.calloutRoute, question, within)
}

function isSenderRefused(result: ProbeResult): boolean {
  if (result.kind !== 'no-answer') return false
  const { kind, stage, reply } = result.cause
  const isSizeRefusal = reply !== null && (reply.code === 552 || reply.status === '5.3.4')
  return kind === 'refused' && stage === 'mail' && !isSizeRefusal
}

function noteSender(routeId: string, isNeeded: boolean, options: QuestionOptions): void {
  if (isNeeded) options.probeSenderRoutes.add(routeId)
  else options.probeSenderRoutes.delete(routeId)
  options.onProbeSender(routeId, isNeeded)
}
