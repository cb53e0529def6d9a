// Who is told of mail that waits too long, how often, and what goes to the hold in the end.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { openDeliverySite, type DeliverySite } from '../../test/support/delivery-site.ts'
import { newAttempt, newRecipient } from '../../test/support/new-entry.ts'
import { AgeWatch } from './age-watch.ts'

const minuteMs = 60_000
const hourMs = 60 * minuteMs
const dayMs = 24 * hourMs

/** Two mails of `inst.example` that wait, the older one received an hour less a minute ago. */
async function siteWithMail(): Promise<DeliverySite> {
  const site = await openDeliverySite()
  const nowMs = site.options.clock.now()
  const fate = { kind: 'waiting', nextAttemptMs: nowMs + minuteMs } as const
  for (const [id, ageMs] of [
    ['older', hourMs - minuteMs],
    ['younger', 0],
  ] as const) {
    const recipients = [newRecipient(`${id}@inst.example`, { fate, reply: `451 ${id}` })]
    await site.commit(id, [], { recipients, receivedAtMs: nowMs - ageMs })
  }
  return site
}

/** What is told when it looks after that time; alerts as `level waitingCount`. */
async function lookAfter(
  site: DeliverySite,
  watch: AgeWatch,
  ms: number,
): Promise<readonly string[]> {
  site.advance(ms)
  const before = site.alerts.length
  await watch.look()
  return site.alerts
    .slice(before)
    .map((alert) =>
      alert.kind === 'mail-delayed'
        ? `${alert.level} ${alert.waitingCount}`
        : `${alert.id} ${alert.reason}`,
    )
}

test('the institute at one hour, the operator at four, each once, and again after a day', async () => {
  await using site = await siteWithMail()
  const watch = new AgeWatch(site.options)
  assert.deepEqual(await lookAfter(site, watch, 0), [])
  assert.deepEqual(await lookAfter(site, watch, minuteMs), ['institute 2'])
  assert.deepEqual(await lookAfter(site, watch, hourMs), [])
  assert.deepEqual(await lookAfter(site, watch, 2 * hourMs - minuteMs), [])
  assert.deepEqual(await lookAfter(site, watch, minuteMs), ['operator 2'])
  assert.deepEqual(await lookAfter(site, watch, 20 * hourMs), [])
  assert.deepEqual(await lookAfter(site, watch, hourMs), ['institute 2'])
  assert.deepEqual(await lookAfter(site, watch, 3 * hourMs), ['operator 2'])
})

test('after the next outage they are told again', async () => {
  await using site = await siteWithMail()
  const watch = new AgeWatch(site.options)
  assert.deepEqual(await lookAfter(site, watch, minuteMs), ['institute 2'])
  await site.spool.hold({ kind: 'domain', domain: 'inst.example' }, 'ordered')
  assert.deepEqual(await lookAfter(site, watch, minuteMs), [], 'nothing waits')
  await site.commit('next')
  assert.deepEqual(await lookAfter(site, watch, hourMs - minuteMs), [])
  assert.deepEqual(await lookAfter(site, watch, minuteMs), ['institute 1'])
})

test('an alert says since when, which server, and its last words', async () => {
  await using site = await siteWithMail()
  const watch = new AgeWatch(site.options)
  const { port } = site.institute
  const oldestReceivedAtMs = site.options.clock.now() - hourMs + minuteMs
  watch.heard(newAttempt({ reply: '451 4.3.0 our disk is full', server: 'mail.inst.example' }))
  await lookAfter(site, watch, 2 * minuteMs)
  assert.deepEqual(site.alerts, [
    {
      kind: 'mail-delayed',
      level: 'institute',
      domain: 'inst.example',
      waitingCount: 2,
      oldestReceivedAtMs,
      ageMs: hourMs + minuteMs,
      lastReply: '451 4.3.0 our disk is full',
      server: 'mail.inst.example',
    },
  ])
  const fresh = new AgeWatch(site.options)
  await lookAfter(site, fresh, 0)
  const [, alert] = site.alerts
  assert.ok(alert?.kind === 'mail-delayed')
  assert.deepEqual([alert.lastReply, alert.server], ['', `127.0.0.1:${port}`])
})

test('without an attempt, the words are those of the last failure to reach it', async () => {
  await using site = await siteWithMail()
  await site.institute.pause()
  const route = site.domains.get('inst.example')?.route
  assert.ok(route !== undefined)
  const question = {
    reversePath: '',
    recipient: 'a@inst.example',
    sizeBytes: null,
    isSmtpUtf8: false,
  }
  await site.options.nextHops.probe(route, question, { signal: null, budgetMs: 1000 })
  await lookAfter(site, new AgeWatch(site.options), minuteMs)
  const [alert] = site.alerts
  assert.ok(alert?.kind === 'mail-delayed')
  assert.match(alert.lastReply, /ECONNREFUSED|refused/)
})

test('what is too old goes to the hold, recipient by recipient, and is told', async () => {
  await using site = await siteWithMail()
  const watch = new AgeWatch(site.options)
  site.advance(5 * dayMs - hourMs)
  await watch.look()
  site.alerts.length = 0
  assert.deepEqual(await lookAfter(site, watch, minuteMs), [], 'not before its time')
  assert.deepEqual(await lookAfter(site, watch, minuteMs), ['older expired'])
  assert.deepEqual(site.alerts, [
    {
      kind: 'mail-held',
      domain: 'inst.example',
      id: 'older',
      recipients: ['older@inst.example'],
      reason: 'expired',
      reply: '451 older',
    },
  ])
  const { waitingCount, heldCount } = await site.spool.stats()
  assert.deepEqual([waitingCount, heldCount], [1, 1])
})

test('more than the spool holds at once expires in one look', async () => {
  await using site = await openDeliverySite()
  const to = Array.from({ length: 1200 }, (_, index) => `a${index}@inst.example`)
  await site.commit('many', to)
  const told = await lookAfter(site, new AgeWatch(site.options), 6 * dayMs)
  assert.equal(told.length, 1200)
  assert.equal((await site.spool.stats()).waitingCount, 0)
})

test('it measures once a minute while there is something, and once more when there is not', async () => {
  await using site = await siteWithMail()
  const watch = new AgeWatch(site.options)
  const measured = (): readonly unknown[] =>
    site.events.map(
      (event) => event.kind === 'spool-measured' && [event.waitingCount, event.oldestWaitingAgeMs],
    )
  await watch.look()
  await watch.look()
  assert.deepEqual(measured(), [[2, hourMs - minuteMs]])
  await lookAfter(site, watch, minuteMs)
  assert.deepEqual(measured().length, 2)
  for (const lease of await site.spool.lease({
    domain: 'inst.example',
    nowMs: site.options.clock.now() + hourMs,
    maxCount: 10,
  })) {
    const recipients = lease.recipients.map(
      ({ address }) => ({ address, fate: { kind: 'relayed' }, reply: null }) as const,
    )
    await site.spool.settle(lease, { recipients, attempts: [] })
  }
  await lookAfter(site, watch, minuteMs)
  await lookAfter(site, watch, minuteMs)
  assert.deepEqual(measured().slice(2), [[0, null]])
})
