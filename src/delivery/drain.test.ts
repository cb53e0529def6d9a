// The loop, with a real spool, real connections and a real server: who gets attempts when, and how many.

import assert from 'node:assert/strict'
import path from 'node:path'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { openSpoolTools } from '#spool/open-spool-tools.ts'
import type { Spool } from '#spool/spool.ts'
import { SpoolError } from '#spool/spool.ts'
import { startInstituteServer } from '../../demo/institute-server.ts'
import {
  openDeliverySite,
  routeTo,
  type DeliverySite,
  type DeliverySiteOptions,
} from '../../test/support/delivery-site.ts'
import { newRecipient } from '../../test/support/new-entry.ts'
import { servedDomain } from '../../test/support/scripted-next-hops.ts'
import { openDelivery, type Delivery, type DeliveryEvent } from './delivery.ts'

interface Running extends DeliverySite {
  readonly delivery: Delivery
  /** Commits mails that are due, the named ones, in that order. */
  readonly commitAll: (...ids: readonly string[]) => Promise<void>
}

/** With delivery at work; `before` prepares what it finds. */
async function running(
  given: DeliverySiteOptions = {},
  before: (site: DeliverySite) => Promise<void> = async () => undefined,
): Promise<Running> {
  const site = await openDeliverySite(given)
  await before(site)
  const delivery = openDelivery(site.options)
  return {
    ...site,
    delivery,
    commitAll: async (...ids) => {
      for (const id of ids) await site.commit(id, [`${id}@inst.example`])
      delivery.wake()
    },
    [Symbol.asyncDispose]: async () => {
      await delivery.close(2000)
      await site[Symbol.asyncDispose]()
    },
  }
}

async function until(isTrue: () => boolean | Promise<boolean>, deadlineMs = 10_000): Promise<void> {
  const giveUpAtMs = performance.now() + deadlineMs
  while (!(await isTrue())) {
    if (performance.now() > giveUpAtMs) throw new Error('it did not happen in time')
    await sleep(10)
  }
}

async function isEmpty(spool: Spool): Promise<boolean> {
  return (await spool.stats()).entryCount === 0
}

function arrivals({ institute }: DeliverySite): readonly string[] {
  return institute.mails.flatMap(({ recipients }) => recipients)
}

function attemptsIn(events: readonly DeliveryEvent[]): readonly string[] {
  return events.flatMap((event) =>
    event.kind === 'mail-attempted' ? [`${event.mail} ${event.attempt.outcome}`] : [],
  )
}

/** Opens the breaker of the route of `inst.example`, whose server is away afterwards. */
async function takeDown({ institute, options, domains }: DeliverySite): Promise<void> {
  await institute.pause()
  const route = domains.get('inst.example')?.route
  assert.ok(route !== undefined)
  const question = {
    reversePath: '',
    recipient: 'a@inst.example',
    sizeBytes: null,
    isSmtpUtf8: false,
  }
  await until(async () => {
    await options.nextHops.probe(route, question, { signal: null, budgetMs: 1000 })
    return options.nextHops.isBreakerOpen(route)
  })
}

test('what is due is delivered, the earliest schedule first, then the oldest', async () => {
  await using site = await running({
    institute: { delayMs: { final: 300 } },
    delivery: { maxConnectionCount: 1 },
  })
  await site.commitAll('blocker')
  await until(() => site.institute.counts.total > 0)
  const nowMs = site.options.clock.now()
  for (const [id, nextAttemptMs] of [
    ['third', nowMs],
    ['second', nowMs - 1],
    ['first', nowMs - 2],
    ['fourth', nowMs],
  ] as const) {
    const fate = { kind: 'waiting', nextAttemptMs } as const
    await site.commit(id, [], { recipients: [newRecipient(`${id}@inst.example`, { fate })] })
  }
  await until(() => isEmpty(site.spool))
  assert.deepEqual(
    arrivals(site),
    ['blocker', 'first', 'second', 'third', 'fourth'].map((id) => `${id}@inst.example`),
  )
})

test('what waits for later is left alone until its time has come', async () => {
  await using site = await running()
  await site.commitAll('before')
  await until(() => isEmpty(site.spool))
  const fate = { kind: 'waiting', nextAttemptMs: site.options.clock.now() + 60_000 } as const
  await site.commit('later', [], { recipients: [newRecipient('later@inst.example', { fate })] })
  site.advance(59_000)
  site.delivery.wake()
  await sleep(200)
  assert.equal(arrivals(site).length, 1)
  site.advance(1000)
  site.delivery.wake()
  await until(() => isEmpty(site.spool))
})

test('a start tries what waits, whatever its schedule, and says so', async () => {
  await using site = await running({}, async (each) => {
    const fate = { kind: 'waiting', nextAttemptMs: each.options.clock.now() + 1_000_000 } as const
    await each.commit('old', [], { recipients: [newRecipient('old@inst.example', { fate })] })
  })
  await until(() => isEmpty(site.spool))
  assert.deepEqual(
    site.events.filter(({ kind }) => kind === 'delivery-hurried'),
    [{ kind: 'delivery-hurried', domain: 'inst.example', recipientCount: 1 }],
  )
})

test('not more attempts at the same time than the route may have, and all of them used', async () => {
  await using site = await running({
    poolCount: 10,
    institute: { delayMs: { final: 100 } },
    delivery: { maxConnectionCount: 3 },
  })
  await site.commitAll(...Array.from({ length: 12 }, (_, index) => `mail-${index}`))
  await until(() => isEmpty(site.spool))
  assert.equal(site.institute.counts.peak, 3)
  assert.equal(arrivals(site).length, 12)
})

test('two domains of one route share its connections', async () => {
  await using site = await running({
    poolCount: 10,
    institute: { delayMs: { final: 100 } },
    delivery: { maxConnectionCount: 2 },
  })
  const route = routeTo(site.institute)
  site.domains.set('other.example', servedDomain('other.example', { route }))
  for (let index = 0; index < 4; index += 1) await site.commit(`a-${index}`, ['a@other.example'])
  await site.commitAll('b-1', 'b-2', 'b-3', 'b-4')
  await until(() => isEmpty(site.spool))
  assert.equal(site.institute.counts.peak, 2)
})

test('what is deferred is tried again at its time; what is refused goes to the hold and is told', async () => {
  await using site = await running({
    institute: {
      mailboxes: ['later@inst.example'],
      replies: { 'later@inst.example': ['450 4.2.0 later', '250 2.1.5 ok'] },
    },
  })
  await site.commitAll('later', 'refused')
  await until(() => attemptsIn(site.events).length === 2)
  const { waitingCount, heldCount } = await site.spool.stats()
  assert.deepEqual([waitingCount, heldCount], [1, 1])
  assert.deepEqual(site.alerts, [
    {
      kind: 'mail-held',
      domain: 'inst.example',
      id: 'refused',
      recipients: ['refused@inst.example'],
      reason: 'refused',
      reply: '550 5.1.1 <refused@inst.example>: User unknown',
    },
  ])
  const deferred = site.events.find(
    (event) => event.kind === 'mail-attempted' && event.mail === 'later',
  )
  assert.ok(deferred?.kind === 'mail-attempted')
  assert.deepEqual(deferred.deferred, ['later@inst.example'])
  assert.equal(deferred.nextAttemptMs, site.options.clock.now() + 60_000)
  site.advance(60_000)
  site.delivery.wake()
  await until(() => arrivals(site).length === 1)
})

test('a target that is down gets no attempt; when it is up everything goes at once, oldest first', async () => {
  await using site = await running({ delivery: { maxConnectionCount: 1 } })
  await takeDown(site)
  const ids = Array.from({ length: 8 }, (_, index) => `mail-${index}`)
  await site.commitAll(...ids)
  await sleep(1300)
  assert.deepEqual(attemptsIn(site.events), [])
  const fate = { kind: 'waiting', nextAttemptMs: site.options.clock.now() + 1_000_000 } as const
  await site.commit('late', [], { recipients: [newRecipient('late@inst.example', { fate })] })
  await site.institute.resume()
  const route = routeTo(site.institute)
  assert.equal(await site.options.nextHops.recover(route), true)
  site.delivery.targetIsUp(route.id)
  await until(() => isEmpty(site.spool))
  assert.deepEqual(
    arrivals(site),
    [...ids, 'late'].map((id) => `${id}@inst.example`),
  )
  assert.equal(attemptsIn(site.events).length, 9)
})

test('that another target is up hurries nothing', async () => {
  await using site = await running()
  await takeDown(site)
  const fate = { kind: 'waiting', nextAttemptMs: site.options.clock.now() + 1_000_000 } as const
  await site.commit('late', [], { recipients: [newRecipient('late@inst.example', { fate })] })
  await sleep(1200)
  const before = site.events.filter(({ kind }) => kind === 'delivery-hurried').length
  site.delivery.targetIsUp('192.0.2.1:25 tls=none')
  await sleep(200)
  assert.equal(site.events.filter(({ kind }) => kind === 'delivery-hurried').length, before)
})

test('a suspended domain waits', async () => {
  await using site = await running()
  const served = site.domains.get('inst.example')
  assert.ok(served !== undefined)
  site.domains.set('inst.example', { ...served, suspension: { reason: 'x', sinceMs: 1 } })
  await site.commitAll('one')
  await sleep(300)
  assert.equal((await site.spool.stats()).waitingCount, 1)
  site.domains.set('inst.example', served)
  site.delivery.wake()
  await until(() => isEmpty(site.spool))
})

test('a domain that is not served any more: its mail goes to the hold, and is told', async () => {
  await using site = await running()
  site.domains.clear()
  await site.commitAll('one', 'two')
  await until(async () => (await site.spool.stats()).heldCount === 2)
  assert.deepEqual(
    site.alerts.map((alert) => alert.kind === 'mail-held' && [alert.id, alert.reason]),
    [
      ['one', 'not-served'],
      ['two', 'not-served'],
    ],
  )
  assert.deepEqual(attemptsIn(site.events), [])
})

for (const why of ['in order', 'down', 'not served'] as const) {
  test(`moved mail goes where a person moved it, while its own target is ${why}`, async () => {
    await using site = await running()
    await using other = await startInstituteServer()
    if (why === 'down') await takeDown(site)
    const served = site.domains.get('inst.example')
    assert.ok(served !== undefined)
    site.domains.set('inst.example', { ...served, suspension: { reason: 'x', sinceMs: 1 } })
    await site.commitAll('one', 'two')
    const tools = openSpoolTools({ folder: path.join(site.folder, 'spool') })
    const order = { kind: 'move', to: `127.0.0.1:${other.port}` } as const
    const audit = { by: 'eve', reason: 'x', atMs: 1, dryRun: false }
    tools.give(order, { ids: ['two'] }, audit)
    tools.close()
    if (why === 'not served') site.domains.delete('inst.example')
    else site.domains.set('inst.example', served)
    site.delivery.wake()
    const [arrived] = await other.waitForMails(1)
    assert.deepEqual(arrived?.recipients, ['two@inst.example'])
    if (why === 'in order') await until(() => isEmpty(site.spool))
    assert.deepEqual(arrivals(site), why === 'in order' ? ['one@inst.example'] : [])
  })
}

test('much moved mail is not begun all at once', async () => {
  await using site = await running({ delivery: { maxConnectionCount: 2 }, poolCount: 20 })
  await using other = await startInstituteServer({ delayMs: { final: 100 } })
  await takeDown(site)
  const ids = Array.from({ length: 10 }, (_, index) => `mail-${index}`)
  await site.commitAll(...ids)
  const tools = openSpoolTools({ folder: path.join(site.folder, 'spool') })
  const order = { kind: 'move', to: `127.0.0.1:${other.port}` } as const
  tools.give(order, {}, { by: 'eve', reason: 'x', atMs: 1, dryRun: false })
  tools.close()
  site.delivery.wake()
  await other.waitForMails(10, 15_000)
  assert.equal(other.counts.peak, 2)
})

/** Settling fails `failureCount` times, as it does while the spool is stopped. */
function failingToSettle(
  spool: Spool,
  failureCount: number,
): Spool & { readonly calls: () => number } {
  let calls = 0
  return new Proxy(spool, {
    get: (target, name) => {
      if (name === 'calls') return () => calls
      if (name === 'settle') {
        return async (...args: Parameters<Spool['settle']>) => {
          calls += 1
          if (calls <= failureCount) throw new SpoolError('stopped', 'the spool is stopped')
          return await target.settle(...args)
        }
      }
      const value: unknown = Reflect.get(target, name)
      return typeof value === 'function' ? value.bind(target) : value
    },
  }) as Spool & { readonly calls: () => number }
}

test('what cannot be settled is settled again, not delivered again', async () => {
  const site = await openDeliverySite()
  const spool = failingToSettle(site.spool, 2)
  const delivery = openDelivery({ ...site.options, spool })
  try {
    await site.commit('one')
    delivery.wake()
    await until(() => isEmpty(site.spool))
    assert.equal(spool.calls(), 3)
    assert.equal(site.institute.mails.length, 1)
    assert.deepEqual(attemptsIn(site.events), ['one relayed'])
  } finally {
    await delivery.close(1000)
    await site[Symbol.asyncDispose]()
  }
})

test('close waits for the attempt under way, and begins no other', async () => {
  await using site = await running({
    institute: { delayMs: { final: 400 } },
    delivery: { maxConnectionCount: 1 },
  })
  await site.commitAll('one', 'two')
  await until(() => site.institute.counts.total > 0)
  await site.delivery.close(5000)
  assert.equal(arrivals(site).length, 1)
  const { entryCount } = await site.spool.stats()
  assert.equal(entryCount, 1, 'what was under way has been settled')
  site.delivery.wake()
  site.delivery.targetIsUp(routeTo(site.institute).id)
  await sleep(1200)
  assert.equal(arrivals(site).length, 1)
})

test('close does not wait longer than it was told: the attempt is given up, the mail stays', async () => {
  await using site = await running({ institute: { delayMs: { mail: 30_000 } } })
  await site.commitAll('one')
  await until(() => site.institute.counts.total > 0)
  const startMs = performance.now()
  await site.delivery.close(200)
  assert.ok(performance.now() - startMs < 5000)
  const { waitingCount } = await site.spool.stats()
  assert.equal(waitingCount, 1)
})

test('close at any moment of a look begins nothing afterwards and leaves nothing running', async () => {
  for (let round = 0; round < 10; round += 1) {
    const site = await openDeliverySite()
    await site.commit('one')
    const delivery = openDelivery(site.options)
    for (let turn = 0; turn < round; turn += 1)
      await new Promise((resolve) => setImmediate(resolve))
    await delivery.close(5000)
    const [mailCount, { entryCount }] = [site.institute.mails.length, await site.spool.stats()]
    assert.equal(mailCount + entryCount, 1, `round ${round}: delivered and settled, or neither`)
    await site[Symbol.asyncDispose]()
    assert.equal(site.institute.mails.length, mailCount)
  }
})

test('close gives up settling when the spool does not come back', async () => {
  const site = await openDeliverySite()
  const delivery = openDelivery({ ...site.options, spool: failingToSettle(site.spool, Infinity) })
  try {
    await site.commit('one')
    delivery.wake()
    await site.institute.waitForMails(1)
    await delivery.close(100)
    assert.deepEqual(
      site.events.filter(({ kind }) => kind === 'delivery-failed'),
      [{ kind: 'delivery-failed', detail: 'the spool is stopped' }],
    )
  } finally {
    await site[Symbol.asyncDispose]()
  }
})
