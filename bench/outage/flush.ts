// What the institute's server got, held against what the relay had taken.

import type { Arrival } from './fast-sink.ts'

export interface Flush {
  readonly missingCount: number
  readonly duplicateCount: number
  /** Arrived although the client had not got 250. */
  readonly unwantedCount: number
  /** Places by which a mail came earlier or later than by age, at most. */
  readonly maxDisplacement: number
  readonly lastAtMs: number
}

/** `taken`: names of mails in the order of their 250. */
export function judgeFlush(taken: readonly string[], arrivals: readonly Arrival[]): Flush {
  const ageOrder = new Map(taken.map((name, index) => [name, index]))
  const arrived = new Set<string>()
  let maxDisplacement = 0
  let unwantedCount = 0
  let lastAtMs = 0
  for (const { name, atMs } of arrivals) {
    if (arrived.has(name)) continue
    const place = ageOrder.get(name)
    if (place === undefined) unwantedCount += 1
    else maxDisplacement = Math.max(maxDisplacement, Math.abs(place - arrived.size))
    arrived.add(name)
    lastAtMs = Math.max(lastAtMs, atMs)
  }
  return {
    missingCount: taken.length + unwantedCount - arrived.size,
    duplicateCount: arrivals.length - arrived.size,
    unwantedCount,
    maxDisplacement,
    lastAtMs,
  }
}
