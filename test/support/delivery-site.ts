// What delivery works with, all real: a spool, next hops with their connections, an institute's server. Wall
// time stands still until a test turns the hands.

import { openResolver } from '#dns/open-resolver.ts'
import { systemClock } from '#base/clock.ts'
import { Deadlines } from '#base/deadlines.ts'
import type { DeliveryAlert, DeliveryEvent, DeliveryOptions } from '#delivery/delivery.ts'
import type { LateRefusalEvent } from '#handover/handover.ts'
import { openNextHops } from '#nexthop/open-next-hops.ts'
import type { NextHopEvent } from '#nexthop/nexthop.ts'
import type { Route, ServedDomain } from '#registry/registry.ts'
import { createRoute } from '#registry/route.ts'
import { replyText } from '#smtp/reply.ts'
import type { SpoolOptions } from '#spool/open-spool.ts'
import type { Lease, NewEntry, Spool } from '#spool/spool.ts'
import {
  startInstituteServer,
  type InstituteServer,
  type InstituteServerOptions,
} from '../../demo/institute-server.ts'
import { newEntry } from './new-entry.ts'
import { servedDomain } from './scripted-next-hops.ts'
import { temporaryFolder } from './temporary-folder.ts'
import { openTemporarySpool } from './temporary-spool.ts'

export interface DeliverySite extends AsyncDisposable {
  /** Holds the folder `spool`. */
  readonly folder: string
  readonly spool: Spool
  /** Where the mail of `inst.example` goes. */
  readonly institute: InstituteServer
  readonly domains: Map<string, ServedDomain>
  readonly options: DeliveryOptions
  readonly events: DeliveryEvent[]
  readonly lateRefusals: LateRefusalEvent[]
  readonly alerts: DeliveryAlert[]
  /** `recipient: reply`, as told to who remembers recipients. */
  readonly heard: string[]
  /** Turns the hands of both clocks. */
  readonly advance: (ms: number) => void
  readonly commit: (
    id: string,
    to?: readonly string[],
    changes?: Partial<NewEntry>,
  ) => Promise<void>
  /** The first lease of `inst.example`. */
  readonly lease: () => Promise<Lease>
}

export interface DeliverySiteOptions {
  readonly institute?: InstituteServerOptions
  readonly spool?: Partial<SpoolOptions>
  readonly delivery?: Partial<DeliveryOptions>
  /** Connections to one next hop. Default 4. */
  readonly poolCount?: number
  readonly onNextHopEvent?: (event: NextHopEvent) => void
}

export async function openDeliverySite(given: DeliverySiteOptions = {}): Promise<DeliverySite> {
  const temporary = await temporaryFolder()
  const institute = await startInstituteServer(given.institute)
  const startMs = systemClock.now()
  let turnedMs = 0
  const clock = {
    now: () => startMs + turnedMs,
    monotonicMs: () => systemClock.monotonicMs() + turnedMs,
  }
  const spool = await openTemporarySpool(temporary.path, { clock, ...given.spool })
  const resolver = openResolver({
    servers: [],
    timeoutMs: 500,
    attemptCount: 1,
    clock: systemClock,
    cacheEntryCount: 10,
  })
  const purpose = {
    maxConnectionCount: given.poolCount ?? 4,
    maxUsesPerConnection: 100,
    connectTimeoutMs: 3000,
    timeouts: { commandMs: 3000, contentMs: 3000, finalMs: 3000, idleMs: 5000 },
  }
  const nextHops = openNextHops({
    hostname: 'relay.example.org',
    resolver,
    deadlines: new Deadlines({ monotonicMs: systemClock.monotonicMs, intervalMs: 10 }),
    ca: null,
    question: purpose,
    handover: purpose,
    breakerFailureCount: 3,
    breakerRecoveryMs: 60_000,
    now: systemClock.now,
    monotonicMs: systemClock.monotonicMs,
    emit: (event) => given.onNextHopEvent?.(event),
  })
  const domains = new Map([
    ['inst.example', servedDomain('inst.example', { route: routeTo(institute) })],
  ])
  const events: DeliveryEvent[] = []
  const lateRefusals: LateRefusalEvent[] = []
  const alerts: DeliveryAlert[] = []
  const heard: string[] = []
  return {
    folder: temporary.path,
    spool,
    institute,
    domains,
    events,
    lateRefusals,
    alerts,
    heard,
    options: {
      spool,
      registry: { find: (domain) => domains.get(domain) },
      nextHops,
      onRecipientReply: (_domain, { local, domain }, reply) =>
        heard.push(`${local}@${domain}: ${replyText(reply)}`),
      raise: (alert) => alerts.push(alert),
      emit: (event) =>
        event.kind === 'late-refusal' ? lateRefusals.push(event) : events.push(event),
      clock,
      random: () => 0.5,
      schedule: { pausesMs: [60_000, 120_000, 1_800_000] },
      maxConnectionCount: 2,
      attemptBudgetMs: 5000,
      holdAfterMs: 5 * 24 * 3_600_000,
      alertInstituteAfterMs: 3_600_000,
      alertOperatorAfterMs: 4 * 3_600_000,
      ...given.delivery,
    },
    advance: (ms) => (turnedMs += ms),
    commit: (id, to, changes) =>
      spool.commit(newEntry(id, to, { receivedAtMs: clock.now(), ...changes })),
    lease: async () => {
      const request = { domain: 'inst.example', nowMs: clock.now(), maxCount: 1 }
      const [lease] = await spool.lease(request)
      if (lease === undefined) throw new Error('nothing is due')
      return lease
    },
    [Symbol.asyncDispose]: async () => {
      await nextHops.close(500)
      resolver.close()
      await institute.close()
      await spool.close()
      await temporary[Symbol.asyncDispose]()
    },
  }
}

export function routeTo({ address, port }: InstituteServer): Route {
  return createRoute([{ kind: 'address', address, port }], 'none')
}
