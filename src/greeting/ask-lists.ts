// Asks all lists at once, and leaves those alone for a while that do not answer.

import type { Clock } from '#base/clock.ts'
import type { Resolver } from '#dns/dns.ts'
import { isEntry, isErrorCode, reversedName, scoreOf, type Score } from './dns-lists.ts'
import type { DnsZone, GreetingEvent } from './greeting.ts'

/** Failures in a row after which a list counts as down. */
const downAfterCount = 5
/** How long it is not waited for then; the first client after that asks it again. */
const downMs = 60_000

/** Reason of an abort: the list has had its time. Any other one says nothing about the list. */
export const tooLate: unique symbol = Symbol('too late')

interface Health {
  failureCount: number
  downUntilMs: number
}

export interface Inquiry {
  /** What is known so far. Lists without an answer count nothing. */
  readonly score: () => Score
  readonly failedZones: () => readonly string[]
  /** No list is left to be waited for. Called once, later than `ask` returns. */
  readonly done: Promise<void>
}

export class ListAsker {
  readonly #resolver: Pick<Resolver, 'familyAddresses'>
  readonly #clock: Clock
  readonly #emit: (event: GreetingEvent) => void
  /** By domain. */
  readonly #healths = new Map<string, Health>()

  constructor(options: {
    readonly resolver: Pick<Resolver, 'familyAddresses'>
    readonly clock: Clock
    readonly emit: (event: GreetingEvent) => void
  }) {
    this.#resolver = options.resolver
    this.#clock = options.clock
    this.#emit = options.emit
  }

  /** `signal`: whoever asks does not wait any longer. */
  ask(address: string, zones: readonly DnsZone[], signal: AbortSignal): Inquiry {
    const listed: DnsZone[] = []
    const unanswered = new Set<string>()
    const byDomain = Map.groupBy(zones, ({ domain }) => domain)
    const questions = [...byDomain].map(async ([domain, ofDomain]) => {
      unanswered.add(domain)
      const answers = await this.#ask(address, domain, signal)
      if (answers === null) return
      unanswered.delete(domain)
      for (const zone of ofDomain) {
        if (answers.some((answer) => isEntry(zone, answer))) listed.push(zone)
      }
    })
    return {
      score: () => scoreOf(listed),
      failedZones: () => [...unanswered],
      done: Promise.all(questions).then(() => undefined),
    }
  }

  /** Null: nobody knows. Empty: there is no entry. */
  async #ask(
    address: string,
    domain: string,
    signal: AbortSignal,
  ): Promise<readonly string[] | null> {
    const name = reversedName(address, domain)
    if (name === null) return []
    const health = this.#healthOf(domain)
    if (health.downUntilMs > this.#clock.monotonicMs()) return null
    const answer = await this.#resolver.familyAddresses(name, 4, signal)
    if (signal.aborted && signal.reason !== tooLate) return null
    const values = answer.kind === 'found' ? answer.values : []
    const error = values.find((value) => isErrorCode(value.split('.').map(Number)))
    if (answer.kind !== 'failed' && error === undefined) {
      this.#answered(domain, health)
      return values
    }
    const why = answer.kind === 'failed' ? answer.detail : `it answers ${error}, an error code`
    this.#failed(domain, health, signal.aborted ? 'no answer in time' : why)
    return null
  }

  #healthOf(domain: string): Health {
    const known = this.#healths.get(domain)
    if (known !== undefined) return known
    const health = { failureCount: 0, downUntilMs: 0 }
    this.#healths.set(domain, health)
    return health
  }

  #failed(zone: string, health: Health, detail: string): void {
    health.failureCount += 1
    if (health.failureCount < downAfterCount) return
    health.downUntilMs = this.#clock.monotonicMs() + downMs
    if (health.failureCount === downAfterCount) this.#emit({ kind: 'dns-list-down', zone, detail })
  }

  #answered(zone: string, health: Health): void {
    if (health.failureCount >= downAfterCount) this.#emit({ kind: 'dns-list-up', zone })
    health.failureCount = 0
    health.downUntilMs = 0
  }
}
