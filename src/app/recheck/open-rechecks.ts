// Looks again, once a day, at the servers and the DNS of domains that were examined: one at a time, each at its own time
// of the day. What has changed is told; nothing is changed by it. One process of a relay does this.

import { setTimeout as sleep } from 'node:timers/promises'
import type { Alert } from '#alert/alert.ts'
import type { Clock } from '#base/clock.ts'
import {
  allTold,
  isAlarming,
  untold,
  type RecheckState,
  type VerdictChange,
} from '#compliance/recheck.ts'
import type { RecheckEvent } from '#compliance/recheck-event.ts'
import { nextLookAtMs } from '#compliance/recheck-schedule.ts'
import { saveRecheck } from '#compliance/recheck-store.ts'
import type { Config } from '#config/config.ts'
import type { Resolver } from '#dns/dns.ts'
import type { NextHops } from '#nexthop/nexthop.ts'
import type { Registry, ServedDomain } from '#registry/registry.ts'
import { formatEndpoint } from '#registry/route.ts'
import { recheckDomain, recheckStateOf, type Rechecked } from './recheck-domain.ts'
import type { Look } from './look.ts'
import { listWatched, type Watched } from './watched.ts'
import { recheckStatus, type RecheckStatus } from './recheck-status.ts'

export interface RecheckOptions {
  readonly config: Config
  readonly registry: Pick<Registry, 'find'>
  readonly resolver: Pick<Resolver, 'addresses'>
  readonly nextHops: Pick<NextHops, 'isBreakerOpen'>
  readonly clock: Clock
  /** 0 ≤ value < 1. */
  readonly random: () => number
  readonly raise: (alert: Alert) => void
  readonly emit: (event: RecheckEvent) => void
  /** A bug. */
  readonly onFault: (doing: string, error: unknown) => void
}

export interface Rechecks {
  readonly status: () => Promise<RecheckStatus>
  /** Begins nothing more and stops what is under way; nothing is kept of that. Never rejects. */
  readonly close: () => Promise<void>
}

/** Profiles come and go by commands; nobody waits for it. */
const maxPauseMs = 60_000
const minPauseMs = 100
/** More profiles than any relay has domains; a folder full of files costs no more than this. */
const maxDomainCount = 10_000

export function openRechecks(options: RecheckOptions): Rechecks {
  const { config, onFault } = options
  const stopping = new AbortController()
  const running =
    config.recheck.mode === 'off'
      ? Promise.resolve()
      : new Loop(options, stopping.signal).run().catch((error: unknown) => {
          if (!stopping.signal.aborted) onFault('servers are not looked at again', error)
        })
  return {
    status: async () => await recheckStatus(config, options.registry),
    close: async () => {
      stopping.abort()
      await running
    },
  }
}

/** When the files of a domain are read again, so that it need not be done all the time. Monotonic. */
interface Plan {
  readonly dueMs: number
  /** Commands change the files too. */
  readonly readAgainMs: number
}

class Loop {
  readonly #options: RecheckOptions
  readonly #signal: AbortSignal
  readonly #pauseMs: number
  readonly #plans = new Map<string, Plan>()
  /** Before which no further look begins, monotonic: a wall clock that jumps cannot hurry them. */
  readonly #restUntilMs = new Map<string, number>()
  /** Told, but it could not be written down: not told again by this process. */
  readonly #toldUnsaved = new Map<string, ReadonlySet<string>>()

  constructor(options: RecheckOptions, signal: AbortSignal) {
    const { everyMs, confirmAfterMs } = options.config.recheck
    this.#options = options
    this.#signal = signal
    this.#pauseMs = Math.max(minPauseMs, Math.min(maxPauseMs, everyMs / 4, confirmAfterMs / 4))
  }

  async run(): Promise<void> {
    for (;;) {
      // Also before the first one: a relay that starts has better to do.
      await sleep(this.#pauseMs, undefined, { signal: this.#signal, ref: false })
      await this.#lookOut()
    }
  }

  async #lookOut(): Promise<void> {
    const { config, registry } = this.#options
    for (const watched of (await listWatched(config.state)).slice(0, maxDomainCount)) {
      if (this.#signal.aborted) return
      const domain = registry.find(watched.domain)
      if (domain === undefined || domain.suspension !== null) continue
      if (!this.#mayBeDue(keyOf(watched))) continue
      try {
        await this.#visit(domain, watched)
      } catch (error) {
        this.#onError(domain, watched, error)
      }
    }
  }

  /** A state folder that cannot be written, or a bug: not told more often than the files are read. */
  #onError({ domain, route }: ServedDomain, watched: Watched, error: unknown): void {
    const { clock, config, emit, onFault } = this.#options
    const dueMs = clock.monotonicMs() + config.recheck.everyMs / 48
    this.#plans.set(keyOf(watched), { dueMs, readAgainMs: dueMs })
    if (error instanceof Error && 'syscall' in error) {
      const server = formatEndpoint(route.endpoints[0])
      emit({ kind: 'recheck-failed', domain, server, detail: error.message })
    } else {
      onFault(`the ${watched.watch} of ${domain} could not be looked at again`, error)
    }
  }

  #mayBeDue(key: string): boolean {
    const plan = this.#plans.get(key)
    if (plan === undefined) return true
    return this.#options.clock.monotonicMs() >= Math.min(plan.dueMs, plan.readAgainMs)
  }

  async #visit(domain: ServedDomain, watched: Watched): Promise<void> {
    const { config, clock, random, nextHops } = this.#options
    const known = await recheckStateOf(config.state, watched)
    if (known === null) return
    // What was found and not told, by a command or before the relay was killed, is told now.
    const state = await this.#tell(watched, known)
    const nowMs = clock.now()
    const dueAtMs = nextLookAtMs(state, config.recheck, nowMs, random)
    const readMs = clock.monotonicMs()
    this.#plans.set(keyOf(watched), {
      dueMs: readMs + dueAtMs - nowMs,
      readAgainMs: readMs + config.recheck.everyMs / 144,
    })
    if (dueAtMs !== state.nextAtMs) {
      await saveRecheck(config.state, watched.watch, { ...state, nextAtMs: dueAtMs })
    }
    const restUntilMs = this.#restUntilMs.get(keyOf(watched)) ?? 0
    if (dueAtMs > nowMs || clock.monotonicMs() < restUntilMs) return
    // It is known to be down, and people hear of that in another way.
    if (watched.watch === 'server' && nextHops.isBreakerOpen(domain.route)) return
    await this.#look(domain, watched)
  }

  async #look(domain: ServedDomain, watched: Watched): Promise<void> {
    const { clock, emit } = this.#options
    const result = await recheckDomain({
      ...this.#options,
      domain,
      watch: watched.watch,
      isWhole: false,
      signal: this.#signal,
    })
    if (result === null || result.look.kind === 'stopped') return
    const { saved, state, look } = result
    const isSecondNext = state.suspicions.length > 0 && look.kind === 'done'
    this.#restUntilMs.set(keyOf(watched), clock.monotonicMs() + this.#restMs(look, isSecondNext))
    this.#plans.delete(keyOf(watched))
    const about = { domain: domain.domain, server: saved.server }
    if (look.kind === 'failed') {
      emit({ kind: 'recheck-failed', ...about, detail: look.detail })
      return
    }
    const { seen, tookMs } = look
    const suspicionCount = state.suspicions.length
    emit({ kind: 'recheck-finished', ...about, checkCount: seen.length, suspicionCount, tookMs })
    await this.#tell(watched, result)
  }

  /** Half of what the schedule will want, whose jitter makes it a little shorter. */
  #restMs(look: Look, isSecondNext: boolean): number {
    const { everyMs, confirmAfterMs } = this.#options.config.recheck
    if (look.kind !== 'done') return everyMs / 48
    return Math.min(everyMs, isSecondNext ? confirmAfterMs : everyMs) / 2
  }

  /** Told, and then written down as told: whoever is killed between the two tells it again. */
  async #tell(watched: Watched, { saved, state }: Omit<Rechecked, 'look'>): Promise<RecheckState> {
    const { config, clock, emit, raise } = this.#options
    const { watch } = watched
    const all = untold(state)
    if (all.length === 0) return state
    const key = keyOf(watched)
    const changes = all.filter((each) => this.#toldUnsaved.get(key)?.has(idOf(each)) !== true)
    const { domain } = state
    const { server } = saved
    for (const { check, severity, was, verdict, summary } of changes) {
      const detail = summary.en
      emit({ kind: 'verdict-changed', domain, server, check, severity, was, verdict, detail })
    }
    const [first, ...rest] = changes.filter(isAlarming)
    if (first !== undefined) {
      const violated = [first, ...rest] as const
      raise({ kind: 'requirement-violated', watch, domain, server, violated, atMs: clock.now() })
    }
    this.#toldUnsaved.set(key, new Set(all.map(idOf)))
    const told = allTold(state)
    await saveRecheck(config.state, watch, told)
    this.#toldUnsaved.delete(key)
    return told
  }
}

function idOf({ check, verdict, atMs }: VerdictChange): string {
  return `${check} ${verdict} ${atMs}`
}

function keyOf({ watch, domain }: Watched): string {
  return `${watch} ${domain}`
}
