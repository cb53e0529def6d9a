// Which servers refuse what they had accepted, for `pforte status` and `pforte domain profile`.

import { refusalCounts, refusalSummary, type LateRefusalState } from '#compliance/production.ts'

export interface DomainRefusals {
  readonly domain: string
  /** Of the last 24 hours. */
  readonly contentCount: number
  readonly recipientCount: number
  /** Wall time since when it is too much; null: it is not. */
  readonly degradedSinceMs: number | null
  /** Cleaned. */
  readonly summary: string
}

export interface RefusalsStatus {
  /** With a refusal in the last 24 hours, or degraded. */
  readonly domainCount: number
  readonly degradedCount: number
  /** The first ones, degraded ones before others. */
  readonly domains: readonly DomainRefusals[]
}

/** More than people read at once. */
const maxListedCount = 50

export function domainRefusals(state: LateRefusalState, nowMs: number): DomainRefusals {
  return {
    domain: state.domain,
    ...refusalCounts(state, nowMs),
    degradedSinceMs: state.degraded?.sinceMs ?? null,
    summary: refusalSummary(state, nowMs).en,
  }
}

export function refusalsStatus(states: readonly LateRefusalState[], nowMs: number): RefusalsStatus {
  const all = states
    .map((state) => domainRefusals(state, nowMs))
    .filter(
      ({ contentCount, recipientCount, degradedSinceMs }) =>
        contentCount + recipientCount > 0 || degradedSinceMs !== null,
    )
    .toSorted(
      (one, other) =>
        Number(other.degradedSinceMs !== null) - Number(one.degradedSinceMs !== null) ||
        one.domain.localeCompare(other.domain),
    )
  return {
    domainCount: all.length,
    degradedCount: all.filter(({ degradedSinceMs }) => degradedSinceMs !== null).length,
    domains: all.slice(0, maxListedCount),
  }
}
