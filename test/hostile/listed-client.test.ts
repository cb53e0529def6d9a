// Clients on lists on the DNS; and lists that lie, fail or say nothing, which must never cost a good mail.

import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { startDnsServer, type DnsServer, type Zone } from '../support/dns-server.ts'
import { eventOf, greet, sendFrom, startSite, untilLogged } from './support/greeting.ts'
import type { GreetingSite } from './support/greeting.ts'

const timeoutMs = 700
const zones = ['bl.example*2', 'dyn.example=127.0.0.[10..11]*1', 'wl.example*-2']
let dns: DnsServer
let site: GreetingSite

/** Client → what each list says of it. */
const zone: Zone = {
  ...listed(1, { bl: ['127.0.0.2'] }),
  ...listed(2, { dyn: ['127.0.0.10'] }),
  ...listed(3, { bl: ['127.0.0.2'], wl: ['127.0.5.1'] }),
  ...listed(4, { bl: ['127.255.255.254'] }),
  ...listed(5, { bl: ['203.0.113.80'] }),
  ...listed(6, { bl: 'silent', dyn: 'silent', wl: 'silent' }),
  ...listed(7, { bl: 'servfail', dyn: 'refused' }),
  ...listed(8, { bl: ['127.0.0.2'], dyn: 'silent' }),
  ...listed(9, { dyn: ['127.0.0.3'] }),
}

function listed(host: number, says: Readonly<Record<string, Answer>>): Zone {
  return Object.fromEntries(
    Object.entries(says).map(([list, a]) => [
      `${host}.8.0.127.${list}.example`,
      typeof a === 'string' ? a : { a },
    ]),
  )
}
type Answer = readonly string[] | 'silent' | 'servfail' | 'refused'

before(async () => {
  dns = await startDnsServer(zone)
  site = await startSite(
    { dnsbl: { mode: 'enforce', zones, threshold: 2, timeout: `${timeoutMs}ms` } },
    { config: { dns: { servers: [dns.address], timeout: '5s', attempts: 1 } } },
  )
})
after(async () => {
  await site[Symbol.asyncDispose]()
  await dns.close()
})

test('listed: 521 with the name of the list, no session', async () => {
  await using client = await greet(site.relay, '127.0.8.1')
  assert.equal(
    client.banner,
    '521 5.7.1 mailrelay1.example.org does not accept mail from [127.0.8.1]: listed by bl.example',
  )
  await client.client.closed()
  const opened = site.relay.events('session-opened')
  assert.equal(
    opened.some((event) => event['clientAddress'] === '127.0.8.1'),
    false,
  )
})

test('listed once more at the next try: a refusal is not remembered as a pass', async () => {
  await using client = await greet(site.relay, '127.0.8.1')
  assert.match(client.banner, /^521 /)
})

const served: readonly (readonly [name: string, host: number, failed: readonly string[]])[] = [
  ['on one light list only', 2, []],
  ['on a bad list and a good one', 3, []],
  ['the list answers with its error code', 4, ['bl.example']],
  ['the list has been sold and answers with some web server', 5, []],
  ['no list answers', 6, ['bl.example', 'dyn.example', 'wl.example']],
  ['the lists fail', 7, ['bl.example', 'dyn.example']],
  ['on a list, but not with the answers that count', 9, []],
  ['on no list', 10, []],
]

for (const [name, host, failed] of served) {
  test(`served: ${name}`, async () => {
    const address = `127.0.8.${host}`
    const mailCount = site.institute.mails.length
    await using client = await greet(site.relay, address)
    assert.match(client.banner, /^220 /)
    assert.ok(client.tookMs < timeoutMs + 1000, `it waited ${client.tookMs} ms`)
    assert.deepEqual((await eventOf(site.relay, 'client-passed', address))['failedZones'], failed)
    assert.match((await sendFrom(site.relay, address)).final ?? '', /^250 /)
    assert.equal(site.institute.mails.length, mailCount + 1)
  })
}

test('listed by one list while another one is silent: refused at the end of the wait', async () => {
  await using client = await greet(site.relay, '127.0.8.8')
  assert.match(client.banner, /^521 .*listed by bl\.example$/)
})

test('a client that passed is not looked up again', async () => {
  const countOf = (): number =>
    dns.queries.filter(({ name }) => name.startsWith('20.8.0.127.')).length
  for (let count = 0; count < 5; count += 1) {
    await using client = await greet(site.relay, '127.0.8.20')
    assert.match(client.banner, /^220 /)
  }
  assert.equal(countOf(), 3)
})

test('the log never says of a client what its list did not', async () => {
  await untilLogged()
  const told = site.relay.events('client-listed').map((event) => event['clientAddress'])
  assert.deepEqual([...new Set(told)], ['127.0.8.1', '127.0.8.8'])
})
