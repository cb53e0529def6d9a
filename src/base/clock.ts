// Time as a parameter, so that pure code stays pure and tests can turn the hands.

export interface Clock {
  /** Wall time in milliseconds since the epoch. May jump; never subtract two of these to measure. */
  readonly now: () => number
  /** Monotonic milliseconds with a fraction. Only differences mean anything. */
  readonly monotonicMs: () => number
}

export const systemClock: Clock = {
  now: () => Date.now(),
  monotonicMs: () => performance.now(),
}
