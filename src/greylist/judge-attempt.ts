// Greylisting as a decision: what is remembered, the time and the rules give an answer and what to remember.

import type { GreylistAnswer, GreylistRules } from './greylist.ts'

/** `passedAtMs` null: it waits. Wall times. */
export interface RememberedTriple {
  readonly firstAtMs: number
  readonly passedAtMs: number | null
  readonly seenAtMs: number
}

export interface RememberedNetwork {
  readonly passedCount: number
  readonly seenAtMs: number
}

export interface Decision {
  readonly answer: GreylistAnswer
  /** Null: as it is. `isNew`: nothing of what was remembered counts any more. */
  readonly triple: (RememberedTriple & { readonly isNew: boolean }) | null
  /** What of the network is new: triples that passed, and that it was seen. */
  readonly network: { readonly newlyPassedCount: number } | null
}

/** That something was seen again is noted this often at most. */
const noteMs = 3_600_000

export function judgeAttempt(
  nowMs: number,
  triple: RememberedTriple | undefined,
  network: RememberedNetwork | undefined,
  rules: GreylistRules,
): Decision {
  if (network !== undefined && isNetworkKnown(nowMs, network, rules)) {
    const isNoted = nowMs - network.seenAtMs < noteMs
    return {
      answer: { kind: 'network-known' },
      triple: null,
      network: isNoted ? null : { newlyPassedCount: 0 },
    }
  }
  if (triple === undefined) return fresh(nowMs, rules)
  return triple.passedAtMs === null
    ? ofWaiting(nowMs, triple, rules)
    : ofPassed(nowMs, triple, rules)
}

function isNetworkKnown(
  nowMs: number,
  { passedCount, seenAtMs }: RememberedNetwork,
  { allowAfterCount, memoryMs }: GreylistRules,
): boolean {
  return allowAfterCount > 0 && passedCount >= allowAfterCount && nowMs - seenAtMs <= memoryMs
}

function ofPassed(nowMs: number, triple: RememberedTriple, rules: GreylistRules): Decision {
  const unseenMs = nowMs - triple.seenAtMs
  if (unseenMs > rules.memoryMs) return fresh(nowMs, rules)
  const noted = { ...triple, seenAtMs: nowMs, isNew: false }
  return {
    answer: { kind: 'known' },
    triple: unseenMs < noteMs ? null : noted,
    network: null,
  }
}

function ofWaiting(nowMs: number, triple: RememberedTriple, rules: GreylistRules): Decision {
  const waitedMs = nowMs - triple.firstAtMs
  if (waitedMs > rules.retryWindowMs) return fresh(nowMs, rules)
  // A clock that was set back must not make anybody wait for hours.
  if (waitedMs >= 0 && waitedMs < rules.delayMs) {
    return {
      answer: { kind: 'wait', waitMs: rules.delayMs - waitedMs },
      triple: null,
      network: null,
    }
  }
  return {
    answer: { kind: 'passed', waitedMs: Math.max(0, waitedMs) },
    triple: { ...triple, passedAtMs: nowMs, seenAtMs: nowMs, isNew: false },
    network: { newlyPassedCount: 1 },
  }
}

function fresh(nowMs: number, { delayMs }: GreylistRules): Decision {
  return {
    answer: { kind: 'wait', waitMs: delayMs },
    triple: { firstAtMs: nowMs, passedAtMs: null, seenAtMs: nowMs, isNew: true },
    network: null,
  }
}
