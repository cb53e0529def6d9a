// One recheck of one domain, from the saved profile to the state that is kept. By the relay when it is due,
// and by `pforte domain recheck` when somebody wants it now.

import type { Clock } from '#base/clock.ts'
import { loadProfile, type SavedProfile } from '#compliance/profile-store.ts'
import { afterLook, freshSuspicions, stateFor, type RecheckState } from '#compliance/recheck.ts'
import { afterLookAtMs, retryAtMs } from '#compliance/recheck-schedule.ts'
import { loadRecheck, saveRecheck } from '#compliance/recheck-store.ts'
import type { Config } from '#config/config.ts'
import type { Resolver } from '#dns/dns.ts'
import type { ServedDomain } from '#registry/registry.ts'
import type { Look } from './look.ts'

export interface RecheckOptions {
  readonly config: Config
  readonly domain: ServedDomain
  readonly resolver: Pick<Resolver, 'addresses'>
  readonly clock: Clock
  /** 0 ≤ value < 1. */
  readonly random: () => number
  /** All checks, also while there are suspicions that a second look would be enough for. */
  readonly isWhole: boolean
  readonly signal: AbortSignal
}

export interface Rechecked {
  readonly saved: SavedProfile
  /** As it is kept now. */
  readonly state: RecheckState
  readonly look: Look
}

/** The profile of a domain and how it stands since; null: there is no profile. */
export async function recheckStateOf(
  folder: string,
  domain: string,
): Promise<Omit<Rechecked, 'look'> | null> {
  const saved = await loadProfile(folder, domain)
  return saved === null
    ? null
    : { saved, state: stateFor(saved, await loadRecheck(folder, domain)) }
}

/**
 * Null: there is no profile. The next look is written down before this one begins, so that whatever ends the
 * process, and however often, it is not begun again at once. Rejects with the system's error when nothing
 * can be kept.
 */
export async function recheckDomain(options: RecheckOptions): Promise<Rechecked | null> {
  const { config, domain, clock, random, signal } = options
  const known = await recheckStateOf(config.state, domain.domain)
  if (known === null) return null
  const { saved } = known
  const times = config.recheck
  const before = { ...known.state, nextAtMs: retryAtMs(times, clock.now()) }
  await saveRecheck(config.state, before)
  const suspected = freshSuspicions(before, clock.now()).map(({ check }) => check)
  const isSecond = suspected.length > 0 && !options.isWhole
  const { lookAgain, failureOf } = await import('./look.ts')
  const look = await lookAgain({
    config,
    saved,
    routes: [domain.route, domain.calloutRoute],
    resolver: options.resolver,
    only: isSecond ? suspected : null,
    signal,
  }).catch(failureOf)
  const nowMs = clock.now()
  // Somebody else may have looked meanwhile: the relay, or a command.
  const latest = stateFor(saved, (await loadRecheck(config.state, saved.domain)) ?? before)
  const state = stateAfter(latest, look, nowMs)
  const nextAtMs =
    look.kind === 'done' ? afterLookAtMs(state, times, nowMs, random, isSecond) : state.nextAtMs
  const kept = { ...state, nextAtMs }
  await saveRecheck(config.state, kept)
  return { saved, state: kept, look }
}

function stateAfter(before: RecheckState, look: Look, nowMs: number): RecheckState {
  switch (look.kind) {
    case 'done':
      return afterLook(before, look.seen, nowMs)
    case 'failed':
      return { ...before, last: { atMs: nowMs, failure: look.detail, checkCount: 0 } }
    case 'stopped':
      return before
  }
}
