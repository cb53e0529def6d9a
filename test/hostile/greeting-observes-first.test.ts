// In observe mode every attack is told, with the reply it would have got, and no client is refused; what it
// said before its banner is not lost.

import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { startDnsServer, type DnsServer } from '../support/dns-server.ts'
import { connectRaw } from '../support/raw-client.ts'
import {
  closeAll,
  eventOf,
  greetAll,
  sendFrom,
  startSite,
  untilLogged,
} from './support/greeting.ts'
import type { GreetingSite } from './support/greeting.ts'

let dns: DnsServer
let site: GreetingSite

before(async () => {
  dns = await startDnsServer({ '10.2.0.127.bl.example': { a: ['127.0.0.2'] } })
  // The file is written without aliases: one object may not be in it twice.
  const limits = () => ({ mode: 'observe', perAddress: 3, perNetwork: 0 })
  site = await startSite(
    {
      access: { mode: 'observe', deny: ['127.0.2.20'] },
      connections: limits(),
      rate: limits(),
      pregreet: { mode: 'observe', delay: '300ms' },
      dnsbl: { mode: 'observe', zones: ['bl.example'], threshold: 1 },
    },
    { config: { dns: { servers: [dns.address] } } },
  )
})
after(async () => {
  await site[Symbol.asyncDispose]()
  await dns.close()
})

test('a whole session before the banner: told, and served byte for byte', async () => {
  await using client = await connectRaw({ port: site.relay.port, localAddress: '127.0.2.1' })
  const content = `Subject: early\r\n\r\n${'x'.repeat(70)}\r\n`.repeat(2000)
  await client.send('EHLO x\r\nMAIL FROM:<a@x.example>\r\n')
  await client.send(`RCPT TO:<a@inst.example>\r\nDATA\r\n${content}.\r\nQUIT\r\n`)
  client.end()
  const replies = await client.readReplies(7)
  assert.deepEqual(
    replies.map((reply) => /(\d{3})[^\n]*$/.exec(reply)?.[1]),
    ['220', '250', '250', '250', '354', '250', '221'],
  )
  await client.closed()
  const received = site.institute.mails.at(-1)
  assert.equal(received?.content?.toString().endsWith(content), true)
  const event = await eventOf(site.relay, 'client-pregreeted', '127.0.2.1')
  assert.equal(event['mode'], 'observe')
  assert.match(String(event['reply']), /^521 5\.5\.1 /)
})

test('a listed client: told, and served', async () => {
  assert.match((await sendFrom(site.relay, '127.0.2.10')).final ?? '', /^250 /)
  const event = await eventOf(site.relay, 'client-listed', '127.0.2.10')
  assert.equal(event['mode'], 'observe')
  assert.deepEqual(event['zones'], ['bl.example'])
})

test('a denied client: told, and served', async () => {
  assert.match((await sendFrom(site.relay, '127.0.2.20')).final ?? '', /^250 /)
  const event = await eventOf(site.relay, 'client-denied', '127.0.2.20')
  assert.equal(event['network'], '127.0.2.20')
})

test('a flood: told once for each limit, and served', async () => {
  const clients = await greetAll(site.relay, Array<string>(10).fill('127.0.2.30'))
  for (const { banner } of clients) assert.match(banner, /\n220 |^220 /)
  await closeAll(clients)
  await untilLogged()
  const told = site.relay
    .events('client-limited')
    .filter((event) => event['clientAddress'] === '127.0.2.30')
    .map((event) => [event['check'], event['mode']])
  const isNewMinute = told.length > 2 // one may begin in between, and is told of
  assert.deepEqual(isNewMinute ? told.slice(0, 2) : told, [
    ['connections', 'observe'],
    ['rate', 'observe'],
  ])
})

test('no client was sent away', () => {
  assert.deepEqual(site.relay.events('session-refused'), [])
  const enforced = site.relay.events().filter((event) => event['mode'] === 'enforce')
  assert.deepEqual(enforced, [])
})
