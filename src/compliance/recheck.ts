// What has become of a server since it was examined: the verdicts of one more look, compared with those that
// stand. Pure; a change counts when it was seen twice.

import type { FindingKind, Severity } from './check.ts'
import type { Text } from './text.ts'

/** The second look has to come within this time: later it is a first one again. */
export const confirmWithinMs: number = 3_600_000

/** Changes that are remembered. */
const maxChangeCount = 50

/** A domain's server, or its DNS. */
export type Watch = 'server' | 'zone'

/** What was saved when it was examined. */
export interface Baseline {
  /** A-label. */
  readonly domain: string
  /** What was examined, for people: `mail.inst.example:25`, `DNS`. */
  readonly server: string
  readonly measuredAtMs: number
  readonly verdicts: Readonly<Record<string, FindingKind>>
}

export interface SeenVerdict {
  readonly check: string
  readonly severity: Severity
  readonly verdict: FindingKind
  readonly title: Text
  /** What was seen; cleaned. */
  readonly summary: Text
}

/** Seen once. */
export interface Suspicion {
  readonly check: string
  readonly verdict: FindingKind
  /** Wall time. */
  readonly atMs: number
}

/** Seen twice. */
export interface VerdictChange extends SeenVerdict {
  readonly was: FindingKind
  readonly atMs: number
  /** Log, metrics and people have heard of it. */
  readonly isTold: boolean
}

export interface LastLook {
  readonly atMs: number
  /** Null: it came to its end; else why not, for people, not cleaned. */
  readonly failure: string | null
  readonly checkCount: number
}

export interface RecheckState {
  readonly domain: string
  /** Of the baseline this goes on from; with another one everything begins anew. */
  readonly measuredAtMs: number
  /** As they stand, by the id of the check: the saved ones, and what was seen twice since. */
  readonly verdicts: Readonly<Record<string, FindingKind>>
  readonly suspicions: readonly Suspicion[]
  /** The newest last. */
  readonly changes: readonly VerdictChange[]
  readonly last: LastLook | null
  /** Wall time of the next look; null: not decided yet. */
  readonly nextAtMs: number | null
  /** Of the DNS: since when its name servers disagree; null or absent: they do not. */
  readonly disagreesSinceMs?: number | null
}

/** The state that goes with that profile: the one before, or a new one. */
export function stateFor(saved: Baseline, before: RecheckState | null): RecheckState {
  if (before?.measuredAtMs === saved.measuredAtMs) return before
  const { domain, measuredAtMs, verdicts } = saved
  return { domain, measuredAtMs, verdicts, suspicions: [], changes: [], last: null, nextAtMs: null }
}

/**
 * The state of what was saved anew. `before`: what stood until then, of the same server; null: nothing. What the
 * run did not look at stays as it was seen since; what it looked at begins anew.
 */
export function stateAfterSaving(
  saved: Baseline,
  lookedAt: ReadonlySet<string>,
  before: RecheckState | null,
): RecheckState {
  const fresh = stateFor(saved, null)
  if (before === null) return fresh
  const isKept = (check: string): boolean =>
    !lookedAt.has(check) && Object.hasOwn(saved.verdicts, check)
  const kept = Object.entries(before.verdicts).filter(([check]) => isKept(check))
  if (kept.length === 0) return fresh
  return {
    ...fresh,
    verdicts: { ...saved.verdicts, ...Object.fromEntries(kept) },
    suspicions: before.suspicions.filter(({ check }) => isKept(check)),
    changes: before.changes.filter(({ check }) => isKept(check)),
    last: before.last,
    nextAtMs: before.nextAtMs,
  }
}

/** Suspicions a look can still make certain. A clock that was set back makes none older. */
export function freshSuspicions(state: RecheckState, nowMs: number): readonly Suspicion[] {
  return state.suspicions.filter(({ atMs }) => nowMs >= atMs && nowMs - atMs <= confirmWithinMs)
}

/**
 * The state after one more look. Undetermined and not applicable say nothing about the server, so they
 * change nothing; checks the profile does not have are new to it and left out.
 */
export function afterLook(
  state: RecheckState,
  seen: readonly SeenVerdict[],
  nowMs: number,
): RecheckState {
  const suspicions = new Map(freshSuspicions(state, nowMs).map((each) => [each.check, each]))
  const verdicts = new Map(Object.entries(state.verdicts))
  const changes: VerdictChange[] = []
  for (const found of seen) {
    const { check, verdict } = found
    const was = verdicts.get(check)
    if (was === undefined || (verdict !== 'met' && verdict !== 'violated')) continue
    const suspicion = suspicions.get(check)
    suspicions.delete(check)
    if (verdict === was) continue
    if (suspicion?.verdict !== verdict) {
      suspicions.set(check, { check, verdict, atMs: nowMs })
      continue
    }
    verdicts.set(check, verdict)
    changes.push({ ...found, was, atMs: nowMs, isTold: false })
  }
  return {
    ...state,
    verdicts: Object.fromEntries(verdicts),
    suspicions: [...suspicions.values()],
    changes: [...state.changes, ...changes].slice(-maxChangeCount),
    last: { atMs: nowMs, failure: null, checkCount: seen.length },
  }
}

export function untold({ changes }: RecheckState): readonly VerdictChange[] {
  return changes.filter(({ isTold }) => !isTold)
}

export function allTold(state: RecheckState): RecheckState {
  return { ...state, changes: state.changes.map((each) => ({ ...each, isTold: true })) }
}

/** The server cannot be served like this any more: people have to hear of it. */
export function isAlarming({ severity, verdict }: VerdictChange): boolean {
  return severity === 'must' && verdict === 'violated'
}

/** The newest change of each check that stands otherwise than when the profile was saved. */
export function standingChanges(
  saved: Pick<Baseline, 'verdicts'>,
  { verdicts, changes }: RecheckState,
): readonly VerdictChange[] {
  const newest = new Map(changes.map((each) => [each.check, each]))
  return [...newest.values()].filter(({ check }) => verdicts[check] !== saved.verdicts[check])
}
