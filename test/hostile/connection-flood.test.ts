// One client, or one network, that opens connections until nobody else gets any.

import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { until } from '../e2e/support/mail.ts'
import { closeAll, greet, greetAll, sendFrom, startSite, untilLogged } from './support/greeting.ts'
import type { Greeted, GreetingSite } from './support/greeting.ts'
import { connectRaw } from '../support/raw-client.ts'

const perAddress = 10
const perNetwork = 25
let site: GreetingSite

before(async () => {
  site = await startSite(
    {
      connections: { mode: 'enforce', perAddress, perNetwork },
      rate: { mode: 'enforce', perAddress: 300, perNetwork: 0 },
    },
    {
      config: {
        listen: [
          { address: '127.0.0.1', port: 0 },
          { address: '::1', port: 0 },
          { address: '127.0.0.2', port: 0, proxy: ['127.0.0.0/8'] },
        ],
      },
    },
  )
})
after(async () => await site[Symbol.asyncDispose]())

function codes(greeted: readonly { readonly banner: string }[]): Readonly<Record<string, number>> {
  const byCode = Object.groupBy(greeted, ({ banner }) => banner.slice(0, 3))
  return Object.fromEntries(Object.entries(byCode).map(([code, of = []]) => [code, of.length]))
}

test('200 connections of one address: its share, 421 for the rest, the neighbour is served', async () => {
  const clients = await greetAll(site.relay, Array<string>(200).fill('127.0.3.1'))
  assert.deepEqual(codes(clients), { '220': perAddress, '421': 200 - perAddress })
  const refused = clients.find(({ banner }) => banner.startsWith('421'))
  assert.equal(
    refused?.banner,
    '421 4.7.0 mailrelay1.example.org at most 10 connections at a time from 127.0.3.1',
  )
  assert.match((await sendFrom(site.relay, '127.0.3.2')).final ?? '', /^250 /)
  await untilLogged()
  // The flood of connections is none of log lines; the numbers have them all.
  const told = site.relay
    .events('client-limited')
    .filter((event) => event['network'] === '127.0.3.1')
  assert.ok(told.length >= 1 && told.length <= 2, `${told.length} lines`)
  assert.equal(await refusedCount('connections'), 190)
  await closeAll(clients)
})

test('after the flood the address has its share again', async () => {
  await until(async () => {
    await using client = await greet(site.relay, '127.0.3.1')
    return client.banner.startsWith('220')
  })
  assert.match((await sendFrom(site.relay, '127.0.3.1')).final ?? '', /^250 /)
})

test('a /24 has its share, whatever the number of its hosts', async () => {
  const hosts = Array.from({ length: 60 }, (_, index) => `127.0.4.${index + 1}`)
  const clients = await greetAll(site.relay, hosts)
  assert.deepEqual(codes(clients), { '220': perNetwork, '421': hosts.length - perNetwork })
  const refused = clients.find(({ banner }) => banner.startsWith('421'))
  assert.match(refused?.banner ?? '', /at most 25 connections at a time from 127\.0\.4\.0\/24$/)
  assert.match((await sendFrom(site.relay, '127.0.5.1')).final ?? '', /^250 /)
  await closeAll(clients)
})

test('refused clients that do not close are cut off, and are not counted', async () => {
  const clients = await greetAll(site.relay, Array<string>(40).fill('127.0.6.1'))
  const refused = clients.filter(({ banner }) => banner.startsWith('421'))
  assert.equal(refused.length, 30)
  await sleep(1600) // they may linger for a second
  await Promise.all(refused.map(async ({ client }) => await client.closed(100)))
  await closeAll(clients)
})

test('a hammering client is sent away for the rest of the minute, others are not', async () => {
  await untilMinuteHasRoom()
  const address = '127.0.7.1'
  let refusedCount = 0
  for (let count = 0; count < 330; count += 1) {
    await using client = await greet(site.relay, address)
    if (client.banner.startsWith('421')) refusedCount += 1
  }
  assert.equal(refusedCount, 30)
  await using client = await greet(site.relay, address)
  assert.match(client.banner, /^421 4\.7\.0 .*at most 300 connections a minute from 127\.0\.7\.1$/)
  assert.match((await sendFrom(site.relay, '127.0.7.2')).final ?? '', /^250 /)
})

test('IPv6 is counted too', async () => {
  const port = Number(
    site.relay.events('listening').find((event) => event['listenerAddress'] === '::1')?.[
      'listenerPort'
    ],
  )
  const clients = await Promise.all(
    Array.from({ length: 20 }, async () => await greet({ port }, '::1', '::1')),
  )
  assert.deepEqual(codes(clients), { '220': perAddress, '421': 10 })
  await closeAll(clients)
})

test('a /64 has its share too, whatever the number of its addresses; the next one is served', async () => {
  const listening = site.relay.events('listening')
  const proxied = listening.find((event) => event['listenerAddress'] === '127.0.0.2')
  const port = Number(proxied?.['listenerPort'])
  const bannerFor = async (source: string): Promise<Greeted> => {
    const client = await connectRaw({ port, address: '127.0.0.2', deadlineMs: 20_000 })
    await client.send(`PROXY TCP6 ${source} 2001:db8::25 40000 25\r\n`)
    const banner = await client.expect()
    return { client, banner, tookMs: 0, [Symbol.asyncDispose]: () => client[Symbol.asyncDispose]() }
  }
  const hosts = Array.from({ length: 40 }, (_, index) => `2001:db8:0:7:${index + 1}::${index}`)
  const clients: Greeted[] = []
  for (const host of hosts) clients.push(await bannerFor(host))
  assert.deepEqual(codes(clients), { '220': perNetwork, '421': hosts.length - perNetwork })
  assert.match(clients.at(-1)?.banner ?? '', /at a time from 2001:db8:0:7::\/64$/)
  await using neighbour = await bannerFor('2001:db8:0:8::1')
  assert.match(neighbour.banner, /^220 /)
  await closeAll(clients)
})

/** Numbers are counted by the minute of the clock: the flood has to fit into one. */
async function untilMinuteHasRoom(): Promise<void> {
  const leftMs = 60_000 - (Date.now() % 60_000)
  if (leftMs < 8000) await sleep(leftMs + 50)
}

async function refusedCount(check: string): Promise<number> {
  const response = await fetch(`http://127.0.0.1:${site.relay.metricsPort}/metrics`)
  const line = `pforte_greeting_clients_total{check="${check}",outcome="refused"} `
  return Number((await response.text()).split(line)[1]?.split('\n')[0])
}
