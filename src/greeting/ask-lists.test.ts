import assert from 'node:assert/strict'
import { test, type TestContext } from 'node:test'
import { systemClock } from '#base/clock.ts'
import { openResolver } from '#dns/open-resolver.ts'
import { startDnsServer, type Zone } from '../../test/support/dns-server.ts'
import { ListAsker, tooLate } from './ask-lists.ts'
import type { DnsZone, GreetingEvent } from './greeting.ts'

const bad: DnsZone = { domain: 'bl.example', answers: null, weight: 2 }
const good: DnsZone = { domain: 'wl.example', answers: null, weight: -1 }
const never = new AbortController().signal

async function setUp(t: TestContext, zone: Zone) {
  const server = await startDnsServer(zone)
  const resolver = openResolver({
    servers: [server.address],
    timeoutMs: 200,
    attemptCount: 1,
    clock: systemClock,
    cacheEntryCount: 100,
  })
  t.after(async () => {
    resolver.close()
    await server.close()
  })
  const clock = { nowMs: 0 }
  const events: GreetingEvent[] = []
  const asker = new ListAsker({
    resolver,
    clock: { now: () => 0, monotonicMs: () => clock.nowMs },
    emit: (event) => void events.push(event),
  })
  return { server, asker, events, clock }
}

test('each list is asked once, its entries add up', async (t) => {
  const { server, asker } = await setUp(t, {
    '7.2.0.192.bl.example': { a: ['127.0.0.2', '127.0.0.3'] },
    '7.2.0.192.wl.example': { a: ['127.0.0.2'] },
  })
  const more: DnsZone = { ...bad, answers: [[[127, 127]], [[0, 0]], [[0, 0]], [[3, 3]]], weight: 5 }
  const inquiry = asker.ask('192.0.2.7', [bad, more, good], never)
  await inquiry.done
  assert.equal(inquiry.score().score, 6)
  assert.deepEqual(inquiry.score().zones, ['bl.example', 'wl.example'])
  assert.deepEqual(inquiry.failedZones(), [])
  assert.equal(server.queries.length, 2)
})

const failures: Readonly<Record<string, Zone[string]>> = {
  SERVFAIL: 'servfail',
  REFUSED: 'refused',
  'no answer': 'silent',
  'an error code': { a: ['127.255.255.254'] },
}

for (const [name, answer] of Object.entries(failures)) {
  test(`${name}: the list counts nothing, the others do`, async (t) => {
    const { asker } = await setUp(t, {
      '7.2.0.192.bl.example': answer,
      '7.2.0.192.wl.example': { a: ['127.0.0.2'] },
    })
    const inquiry = asker.ask('192.0.2.7', [bad, good], never)
    await inquiry.done
    assert.deepEqual(inquiry.score(), { score: -1, zones: ['wl.example'], badZones: [] })
    assert.deepEqual(inquiry.failedZones(), ['bl.example'])
  })
}

test('a list that is down is left alone for a minute, and noticed when it is back', async (t) => {
  const zone: Zone = {}
  for (let host = 1; host <= 7; host += 1) zone[`${host}.2.0.192.bl.example`] = 'servfail'
  const { server, asker, events, clock } = await setUp(t, zone)
  const ask = async (host: number): Promise<void> =>
    await asker.ask(`192.0.2.${host}`, [bad], never).done
  for (let host = 1; host <= 6; host += 1) await ask(host)
  assert.equal(server.queries.length, 5)
  assert.deepEqual(events, [{ kind: 'dns-list-down', zone: 'bl.example', detail: 'SERVFAIL' }])
  clock.nowMs = 60_001
  await ask(7) // still down, and told only once
  assert.equal(events.length, 1)
  clock.nowMs = 120_002
  await ask(8)
  assert.deepEqual(events.at(-1), { kind: 'dns-list-up', zone: 'bl.example' })
})

test('who leaves is no fault of the list; being too late is', async (t) => {
  const zone: Zone = {}
  for (let host = 1; host <= 20; host += 1) zone[`${host}.2.0.192.bl.example`] = 'silent'
  const { asker, events } = await setUp(t, zone)
  const askAndStop = async (host: number, reason: unknown): Promise<void> => {
    const asking = new AbortController()
    const inquiry = asker.ask(`192.0.2.${host}`, [bad], asking.signal)
    asking.abort(reason)
    await inquiry.done
    assert.deepEqual(inquiry.failedZones(), ['bl.example'])
  }
  for (let host = 1; host <= 10; host += 1) await askAndStop(host, undefined)
  assert.deepEqual(events, [])
  for (let host = 11; host <= 15; host += 1) await askAndStop(host, tooLate)
  assert.deepEqual(events, [
    { kind: 'dns-list-down', zone: 'bl.example', detail: 'no answer in time' },
  ])
})
