// When a deferred recipient is tried again.

export interface ScheduleRules {
  /** Pauses before the second attempt, the third and so on, in milliseconds; the last one repeats. */
  readonly pausesMs: readonly [number, ...number[]]
}

/** So that what came together does not come back together. */
const jitter = 0.1

/** Wall time of the attempt after the `attemptCount`-th (1 is the first). */
export function nextAttemptMs(
  rules: ScheduleRules,
  attemptCount: number,
  nowMs: number,
  random: () => number,
): number {
  const last = rules.pausesMs.length - 1
  const pauseMs = rules.pausesMs[Math.min(Math.max(attemptCount, 1) - 1, last)] ?? rules.pausesMs[0]
  return Math.round(nowMs + pauseMs * (1 + jitter * (2 * random() - 1)))
}

/** For what was tried once while the client waited. */
export function firstAttemptMs(rules: ScheduleRules, nowMs: number, random: () => number): number {
  return nextAttemptMs(rules, 1, nowMs, random)
}

/** No pause is longer than this. */
export function longestDelayMs(rules: ScheduleRules): number {
  return Math.ceil(Math.max(...rules.pausesMs) * (1 + jitter))
}
