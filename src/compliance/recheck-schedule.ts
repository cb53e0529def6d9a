// When a server is looked at again: once a period, spread over it, whatever the clock does. Pure.

import { createHash } from 'node:crypto'
import { confirmWithinMs, freshSuspicions, type RecheckState } from './recheck.ts'

export interface RecheckTimes {
  readonly everyMs: number
  /** From a first sight of another verdict to the second look. */
  readonly confirmAfterMs: number
}

/** Of the period, to both sides: servers that were examined together do not stay together. */
const jitter = 0.1

/**
 * Wall time of the next look at a server. Undecided: half a period to one and a half after it was measured,
 * each domain at its own time. Further away than that can be: the clock was set back; then it is drawn anew,
 * as `random` has it.
 */
export function nextLookAtMs(
  state: RecheckState,
  { everyMs }: RecheckTimes,
  nowMs: number,
  random: () => number,
): number {
  const { nextAtMs, measuredAtMs, domain } = state
  const decided = nextAtMs ?? measuredAtMs + everyMs * (0.5 + fractionOf(domain))
  const furthest = nowMs + Math.max(everyMs * 1.5, confirmWithinMs)
  return decided <= furthest ? decided : nowMs + everyMs * random()
}

/** After a look that came to its end. `isSecond`: it was about suspicions only. */
export function afterLookAtMs(
  state: RecheckState,
  { everyMs, confirmAfterMs }: RecheckTimes,
  nowMs: number,
  random: () => number,
  isSecond: boolean,
): number {
  if (!isSecond && freshSuspicions(state, nowMs).length > 0) return nowMs + confirmAfterMs
  return nowMs + everyMs * (1 - jitter + 2 * jitter * random())
}

/** After one that failed or was stopped, and while one runs: an hour of a day. */
export function retryAtMs({ everyMs }: RecheckTimes, nowMs: number): number {
  return nowMs + everyMs / 24
}

/** 0 ≤ value < 1, always the same for a name. */
function fractionOf(domain: string): number {
  return createHash('sha256').update(domain).digest().readUInt32BE(0) / 2 ** 32
}
