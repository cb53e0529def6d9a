// What waits too long: people are told, and in the end it goes to the hold. Looked for once a minute.

import { formatEndpoint } from '#registry/route.ts'
import type { Attempt, DomainStats, HoldReason, HoldSelection, SpoolStats } from '#spool/spool.ts'
import type { DeliveryOptions, MailDelayed } from './delivery.ts'

type Level = MailDelayed['level']

const lookMs = 60_000
/** While an outage lasts, people are told again. */
const repeatMs = 24 * 3_600_000
/** `hold` gives this many at most. */
const maxHoldCount = 1000

export class AgeWatch {
  readonly #options: DeliveryOptions
  readonly #intervalMs: number
  /** `level domain` → monotonic time people were told last. */
  readonly #told = new Map<string, number>()
  /** Domain → the last attempt, for the words in an alert. */
  readonly #lastAttempts = new Map<string, Attempt>()
  #lookedMs = -Infinity
  #wasEmpty = true

  constructor(options: DeliveryOptions) {
    this.#options = options
    const shortestMs = Math.min(options.holdAfterMs, options.alertInstituteAfterMs)
    this.#intervalMs = Math.min(lookMs, shortestMs / 4)
  }

  /** Does nothing until its time has come. Rejects as the spool does. */
  async look(): Promise<void> {
    const { clock, spool, holdAfterMs } = this.#options
    if (clock.monotonicMs() - this.#lookedMs < this.#intervalMs) return
    this.#lookedMs = clock.monotonicMs()
    await this.hold({ kind: 'older', ageFromBeforeMs: clock.now() - holdAfterMs }, 'expired')
    const stats = await spool.stats()
    const { domains } = stats
    this.#measure(stats)
    for (const each of domains) {
      this.#judge(each, 'institute', this.#options.alertInstituteAfterMs)
      this.#judge(each, 'operator', this.#options.alertOperatorAfterMs)
    }
    this.#forgetOthers(new Set(domains.map(({ domain }) => domain)))
  }

  heard(attempt: Attempt): void {
    this.#lastAttempts.set(attempt.domain, attempt)
  }

  async hold(which: HoldSelection, reason: HoldReason): Promise<void> {
    for (;;) {
      const held = await this.#options.spool.hold(which, reason)
      for (const { id, domain, address, reply } of held) {
        this.#options.raise({ kind: 'mail-held', domain, id, recipients: [address], reason, reply })
      }
      if (held.length < maxHoldCount) return
    }
  }

  #measure({ domains, ...sums }: SpoolStats): void {
    if (sums.entryCount === 0 && this.#wasEmpty) return
    this.#wasEmpty = sums.entryCount === 0
    const oldest = domains.flatMap(({ oldestWaitingMs }) => oldestWaitingMs ?? [])
    const nowMs = this.#options.clock.now()
    const oldestWaitingAgeMs = oldest.length === 0 ? null : nowMs - Math.min(...oldest)
    this.#options.emit({ kind: 'spool-measured', ...sums, oldestWaitingAgeMs })
  }

  #judge(stats: DomainStats, level: Level, afterMs: number): void {
    const { clock, raise, nextHops, registry } = this.#options
    const { domain, oldestWaitingMs, waitingCount } = stats
    const key = `${level} ${domain}`
    const ageMs = oldestWaitingMs === null ? 0 : clock.now() - oldestWaitingMs
    if (oldestWaitingMs === null || ageMs < afterMs) {
      this.#told.delete(key)
      return
    }
    const nowMs = clock.monotonicMs()
    if (nowMs - (this.#told.get(key) ?? -Infinity) < repeatMs) return
    this.#told.set(key, nowMs)
    const route = registry.find(domain)?.route
    const state = nextHops.states().find((each) => each.route.id === route?.id)
    const last = this.#lastAttempts.get(domain)
    const [endpoint] = route?.endpoints ?? []
    raise({
      kind: 'mail-delayed',
      level,
      domain,
      waitingCount,
      oldestReceivedAtMs: oldestWaitingMs,
      ageMs,
      lastReply: last?.reply ?? state?.lastFailure?.detail ?? '',
      server: last?.server ?? (endpoint === undefined ? '' : formatEndpoint(endpoint)),
    })
  }

  #forgetOthers(domains: ReadonlySet<string>): void {
    for (const domain of this.#lastAttempts.keys()) {
      if (!domains.has(domain)) this.#lastAttempts.delete(domain)
    }
    for (const key of this.#told.keys()) {
      if (!domains.has(key.slice(key.indexOf(' ') + 1))) this.#told.delete(key)
    }
  }
}
