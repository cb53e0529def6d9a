// The loop: every second, and whenever something has changed, it gives each domain with due mail as many
// attempts as its route has room for. A target that is down gets none; its recovery is told from outside.

import { parseEndpoint, createRoute } from '#registry/route.ts'
import type { ServedDomain } from '#registry/registry.ts'
import { createServedDomain } from '#registry/served-domain.ts'
import { orderedMs, type Lease, type Settlement } from '#spool/spool.ts'
import { AgeWatch } from './age-watch.ts'
import { allHeld, attempt } from './attempt.ts'
import type { Delivery, DeliveryOptions } from './delivery.ts'
import { longestDelayMs } from './schedule.ts'

const tickMs = 1000

export class Drain implements Delivery {
  readonly #options: DeliveryOptions
  readonly #ages: AgeWatch
  readonly #timer: NodeJS.Timeout
  readonly #abort = new AbortController()
  /** Attempts under way, by the Route.id of the domain, wherever they go; its name when it is not served. */
  readonly #counts = new Map<string, number>()
  readonly #underWay = new Set<Promise<void>>()
  /** Routes that are asked whether they are back. */
  readonly #asking = new Set<string>()
  /** Routes whose mail is being made due: until then it is not yet in the order of its age. */
  readonly #hurrying = new Set<string>()
  #looking: Promise<void> | null = null
  #mustLookAgain = false
  #hasHurried = false
  #isClosed = false

  constructor(options: DeliveryOptions) {
    this.#options = options
    this.#ages = new AgeWatch(options)
    this.#timer = setInterval(() => this.wake(), tickMs).unref()
    this.wake()
  }

  wake(): void {
    if (this.#isClosed) return
    if (this.#looking !== null) {
      this.#mustLookAgain = true
      return
    }
    this.#looking = this.#look()
      .catch((error: unknown) => this.#tell(error))
      .finally(() => {
        this.#looking = null
        if (!this.#mustLookAgain) return
        this.#mustLookAgain = false
        this.wake()
      })
  }

  readonly targetIsUp = (routeId: string): void => {
    this.#hurrying.add(routeId)
    void this.#hurryRoute(routeId)
      .catch((error: unknown) => this.#tell(error))
      .finally(() => {
        this.#hurrying.delete(routeId)
        this.wake()
      })
  }

  async close(graceMs: number): Promise<void> {
    this.#isClosed = true
    clearInterval(this.#timer)
    const timer = setTimeout(() => this.#abort.abort(), graceMs)
    await this.#looking
    await Promise.all(this.#underWay)
    clearTimeout(timer)
  }

  async #look(): Promise<void> {
    const { spool, clock, schedule } = this.#options
    if (spool.state().kind !== 'open') {
      this.#hasHurried = false // what happens meanwhile is made up for
      return
    }
    if (!this.#hasHurried) await this.#hurryAll()
    const nowMs = clock.now()
    const longestMs = longestDelayMs(schedule)
    for (const { domain, nextAttemptMs } of await spool.due()) {
      const served = this.#options.registry.find(domain)
      // Far in the future: the clock was ahead when that was planned.
      const isDue = nextAttemptMs <= nowMs || nextAttemptMs > nowMs + longestMs
      if (nextAttemptMs === orderedMs && served !== undefined) this.#ask(domain, served)
      if (isDue) await this.#serve(domain, served)
    }
    await this.#ages.look()
  }

  /** A person wants it now: a server known to be down is asked first. */
  #ask(domain: string, { route }: ServedDomain): void {
    const { nextHops } = this.#options
    if (!nextHops.isBreakerOpen(route) || this.#asking.has(route.id)) return
    this.#asking.add(route.id)
    void nextHops
      .recover(route)
      .then(async () => await this.#hurry(domain)) // an order is carried out once
      .catch((error: unknown) => this.#tell(error))
      .finally(() => this.#asking.delete(route.id))
  }

  /** After a start nothing is known of the targets: what waits is tried once, whatever its schedule. */
  async #hurryAll(): Promise<void> {
    for (const { domain } of await this.#options.spool.due()) await this.#hurry(domain)
    this.#hasHurried = true
  }

  /** Asks the spool, because the mail of a moment ago waits as well. */
  async #hurryRoute(routeId: string): Promise<void> {
    const { spool, registry } = this.#options
    if (spool.state().kind !== 'open') return
    for (const { domain } of await spool.due()) {
      if (registry.find(domain)?.route.id === routeId) await this.#hurry(domain)
    }
  }

  async #hurry(domain: string): Promise<void> {
    const { spool, emit } = this.#options
    const recipientCount = await spool.hurry(domain)
    if (recipientCount > 0) emit({ kind: 'delivery-hurried', domain, recipientCount })
    this.wake()
  }

  async #serve(domain: string, served: ServedDomain | undefined): Promise<void> {
    if (served === undefined) await this.#ages.hold({ kind: 'domain', domain }, 'not-served')
    if (served !== undefined && served.suspension !== null) return
    if (served !== undefined && this.#hurrying.has(served.route.id)) return
    const isDown = served === undefined || this.#options.nextHops.isBreakerOpen(served.route)
    const counted = served?.route.id ?? domain
    const room = this.#options.maxConnectionCount - (this.#counts.get(counted) ?? 0)
    if (room <= 0 || this.#isClosed) return
    const request = { domain, nowMs: this.#options.clock.now(), maxCount: room }
    const leases = await this.#options.spool.lease({ ...request, isMovedOnly: isDown })
    if (this.#isClosed) return // a lease ends with the process
    for (const lease of leases) {
      const target = lease.movedTo === null ? served : movedTo(lease.movedTo, domain, served)
      if (target === undefined)
        await this.#settle(lease, allHeld(this.#options, lease, 'not-served', ''))
      else this.#begin(lease, target, counted)
    }
  }

  #begin(lease: Lease, domain: ServedDomain, counted: string): void {
    this.#counts.set(counted, (this.#counts.get(counted) ?? 0) + 1)
    const work = this.#deliver(lease, domain)
      .catch((error: unknown) => this.#tell(error))
      .finally(() => {
        this.#underWay.delete(work)
        const left = (this.#counts.get(counted) ?? 1) - 1
        if (left > 0) this.#counts.set(counted, left)
        else this.#counts.delete(counted)
        this.wake()
      })
    this.#underWay.add(work)
  }

  async #deliver(lease: Lease, domain: ServedDomain): Promise<void> {
    const settlement = await attempt(this.#options, lease, domain, this.#abort.signal).catch(
      (error: unknown) => {
        this.#tell(error)
        return null
      },
    )
    // A fault of ours must not be tried over and over: a human looks at it.
    const settled = settlement ?? allHeld(this.#options, lease, 'damaged', 'an internal error')
    if (await this.#settle(lease, settled)) this.#emit(lease, settled)
  }

  /** The next hop's word must not get lost because the spool cannot write at the moment. */
  async #settle(lease: Lease, settlement: Settlement): Promise<boolean> {
    for (;;) {
      try {
        return await this.#options.spool.settle(lease, settlement)
      } catch (error) {
        if (this.#abort.signal.aborted) throw error
        await new Promise((resolve) => setTimeout(resolve, tickMs))
      }
    }
  }

  #emit(lease: Lease, { recipients, attempts }: Settlement): void {
    const { emit, raise } = this.#options
    const by = (kind: 'relayed' | 'waiting' | 'held'): readonly string[] =>
      recipients.filter(({ fate }) => fate.kind === kind).map(({ address }) => address)
    const next = recipients.flatMap(({ fate }) =>
      fate.kind === 'waiting' ? [fate.nextAttemptMs] : [],
    )
    const last = attempts.at(-1)
    if (last !== undefined) this.#ages.heard(last)
    if (last !== undefined) {
      emit({
        kind: 'mail-attempted',
        mail: lease.id,
        attempt: last,
        relayed: by('relayed'),
        deferred: by('waiting'),
        held: by('held'),
        nextAttemptMs: next.length > 0 ? Math.min(...next) : null,
      })
    }
    for (const { address, fate, reply } of recipients) {
      if (fate.kind !== 'held') continue
      const { id, domain } = lease
      const { reason } = fate
      raise({ kind: 'mail-held', domain, id, recipients: [address], reason, reply: reply ?? '' })
    }
  }

  #tell(error: unknown): void {
    const detail = error instanceof Error ? error.message : String(error)
    this.#options.emit({ kind: 'delivery-failed', detail })
  }
}

/** The domain with the route a person has chosen; undefined when it cannot be read. */
function movedTo(
  text: string,
  domain: string,
  served: ServedDomain | undefined,
): ServedDomain | undefined {
  const endpoint = parseEndpoint(text)
  if (!endpoint.ok) return undefined
  const route = createRoute([endpoint.value], served?.route.tls ?? 'opportunistic', served?.route)
  if (served !== undefined) return { ...served, route }
  const created = createServedDomain({ domain, to: [text] }, 0)
  return created.ok ? created.value : undefined
}
