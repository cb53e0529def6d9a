// One recheck of one domain, from the saved profile to the state that is kept. By the relay when it is due,
// and by `pforte domain recheck` when somebody wants it now.

import type { Clock } from '#base/clock.ts'
import { afterLook, freshSuspicions, stateFor, type RecheckState } from '#compliance/recheck.ts'
import { afterLookAtMs, retryAtMs } from '#compliance/recheck-schedule.ts'
import { loadRecheck, saveRecheck } from '#compliance/recheck-store.ts'
import type { Config } from '#config/config.ts'
import type { Resolver } from '#dns/dns.ts'
import type { ServedDomain } from '#registry/registry.ts'
import { withReturnsOf } from './late-returns.ts'
import type { Look } from './look.ts'
import { isZone, loadSaved, type Saved, type Watched } from './watched.ts'

export interface RecheckOptions {
  readonly config: Config
  readonly domain: ServedDomain
  /** Its server or its DNS. */
  readonly watch: Watched['watch']
  readonly resolver: Pick<Resolver, 'addresses'>
  readonly clock: Clock
  /** 0 ≤ value < 1. */
  readonly random: () => number
  /** All checks, also while there are suspicions that a second look would be enough for. */
  readonly isWhole: boolean
  readonly signal: AbortSignal
}

export interface Rechecked {
  readonly saved: Saved
  /** As it is kept now. */
  readonly state: RecheckState
  readonly look: Look
}

/** What was saved of it and how it stands since; null: nothing was. */
export async function recheckStateOf(
  folder: string,
  watched: Watched,
): Promise<Omit<Rechecked, 'look'> | null> {
  const saved = await loadSaved(folder, watched)
  if (saved === null) return null
  const kept = await loadRecheck(folder, watched.watch, watched.domain)
  const state = stateFor(saved, kept)
  return {
    saved,
    state: isZone(saved) ? state : await withReturnsOf(folder, saved, state, Date.now()),
  }
}

/**
 * Null: nothing was saved. The next look is written down before this one begins, so that whatever ends the
 * process, and however often, it is not begun again at once. Rejects with the system's error when nothing
 * can be kept.
 */
export async function recheckDomain(options: RecheckOptions): Promise<Rechecked | null> {
  const { config, domain, watch, clock, random } = options
  const known = await recheckStateOf(config.state, { watch, domain: domain.domain })
  if (known === null) return null
  const { saved } = known
  const times = config.recheck
  const before = { ...known.state, nextAtMs: retryAtMs(times, clock.now()) }
  await saveRecheck(config.state, watch, before)
  const suspected = freshSuspicions(before, clock.now()).map(({ check }) => check)
  const isSecond = suspected.length > 0 && !options.isWhole
  const look = await lookAt(known, options, isSecond ? suspected : null)
  const nowMs = clock.now()
  // Meanwhile somebody else may have looked, examined anew, or removed the domain: the relay, or a command.
  const latest = await recheckStateOf(config.state, { watch, domain: saved.domain })
  if (latest?.saved.measuredAtMs !== saved.measuredAtMs) {
    return { saved, state: before, look: { kind: 'stopped' } }
  }
  const state = stateAfter(latest.state, look, nowMs)
  const nextAtMs =
    look.kind === 'done' ? afterLookAtMs(state, times, nowMs, random, isSecond) : state.nextAtMs
  const kept = { ...state, nextAtMs }
  await saveRecheck(config.state, watch, kept)
  return { saved, state: kept, look }
}

async function lookAt(
  { saved, state }: Omit<Rechecked, 'look'>,
  { config, domain, resolver, signal }: RecheckOptions,
  only: readonly string[] | null,
): Promise<Look> {
  const { lookAgain, failureOf } = await import('./look.ts')
  if (isZone(saved)) {
    const { lookAtZone } = await import('./look-at-zone.ts')
    const disagreesSinceMs = state.disagreesSinceMs ?? null
    return await lookAtZone({ config, saved, disagreesSinceMs, only, signal }).catch(failureOf)
  }
  const routes = [domain.route, domain.calloutRoute]
  return await lookAgain({ config, saved, routes, resolver, only, signal }).catch(failureOf)
}

function stateAfter(before: RecheckState, look: Look, nowMs: number): RecheckState {
  switch (look.kind) {
    case 'done':
      return {
        ...afterLook(before, look.seen, nowMs),
        ...(look.disagreesSinceMs !== undefined && { disagreesSinceMs: look.disagreesSinceMs }),
      }
    case 'failed':
      return { ...before, last: { atMs: nowMs, failure: look.detail, checkCount: 0 } }
    case 'stopped':
      return before
  }
}
