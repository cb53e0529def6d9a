// Programs that send mail in a hurry do not wait for the banner. Enforced: they get 521 and nothing of theirs
// is read as SMTP.

import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { cleanLine } from '#base/text.ts'
import { connectRaw } from '../support/raw-client.ts'
import { eventOf, greet, sendFrom, startSite, untilLogged } from './support/greeting.ts'
import type { GreetingSite } from './support/greeting.ts'

const delayMs = 600
let site: GreetingSite

before(async () => {
  site = await startSite({ pregreet: { mode: 'enforce', delay: `${delayMs}ms` } })
})
after(async () => await site[Symbol.asyncDispose]())

function eventsOf(kind: string, address: string): readonly Readonly<Record<string, unknown>>[] {
  return site.relay.events(kind).filter((event) => event['clientAddress'] === address)
}

const hurried: readonly (readonly [name: string, address: string, words: string])[] = [
  ['EHLO', '127.0.1.1', 'EHLO bot.example\r\n'],
  [
    'a whole session',
    '127.0.1.2',
    'EHLO x\r\nMAIL FROM:<a@x.example>\r\nRCPT TO:<a@inst.example>\r\nDATA\r\nSpam\r\n.\r\nQUIT\r\n',
  ],
  ['HTTP', '127.0.1.3', 'POST / HTTP/1.1\r\nHost: x\r\n\r\nMAIL FROM:<a@x.example>\r\n'],
  ['one byte', '127.0.1.4', 'E'],
  ['binary', '127.0.1.5', '\u0016\u0003\u0001\u0002\u0000\u0001\u0000\u0001\u001b[2J'],
]

for (const [name, address, words] of hurried) {
  test(`${name} before the banner: 521, no session, nothing reaches the institute`, async () => {
    const mailCount = site.institute.mails.length
    await using client = await connectRaw({ port: site.relay.port, localAddress: address })
    await client.send(words)
    const reply = await client.expect(521)
    assert.equal(
      reply,
      '220-mailrelay1.example.org ESMTP\n' +
        '521 5.5.1 mailrelay1.example.org protocol error: the client spoke before the banner',
    )
    await client.closed()
    const event = await eventOf(site.relay, 'client-pregreeted', address)
    assert.equal(event['mode'], 'enforce')
    assert.equal(cleanLine(String(event['line']), 1000), event['line'])
    assert.deepEqual(eventsOf('session-opened', address), [])
    assert.equal(site.institute.mails.length, mailCount)
  })
}

test('a client that waits for the line after the first one is served, and is known then', async () => {
  await using first = await greet(site.relay, '127.0.1.20')
  assert.match(first.banner, /^220-mailrelay1\.example\.org ESMTP\n220 mailrelay1\.example\.org /)
  assert.ok(first.tookMs >= delayMs - 1)
  await using second = await greet(site.relay, '127.0.1.20')
  assert.match(second.banner, /^220 mailrelay1\.example\.org /)
  assert.ok(second.tookMs < delayMs / 2, `it waited ${second.tookMs} ms`)
  const sent = await sendFrom(site.relay, '127.0.1.20')
  assert.match(sent.final ?? '', /^250 /)
  await untilLogged()
  assert.equal(eventsOf('client-passed', '127.0.1.20').length, 1)
})

test('whoever was refused once is not known, and is tested again', async () => {
  await using client = await connectRaw({ port: site.relay.port, localAddress: '127.0.1.1' })
  await client.send('EHLO bot.example\r\n')
  await client.expect(521)
  await untilLogged()
  assert.ok(eventsOf('client-pregreeted', '127.0.1.1').length >= 2)
})

test('clients that leave while they wait leave nothing behind', async () => {
  const address = '127.0.1.30'
  for (let count = 0; count < 20; count += 1) {
    const client = await connectRaw({ port: site.relay.port, localAddress: address })
    if (count % 3 === 0) client.reset()
    else if (count % 3 === 1) client.end()
    else await client[Symbol.asyncDispose]()
  }
  await sleep(delayMs + 500)
  // A reset may come so early that there is no client to be told of.
  const leftCount = eventsOf('client-left-early', address).length
  assert.ok(leftCount >= 10 && leftCount <= 20, `${leftCount} left`)
  assert.deepEqual(eventsOf('session-opened', address), [])
  assert.deepEqual(eventsOf('client-passed', address), [])
  assert.equal(await openSessions(), 0)
  assert.match((await sendFrom(site.relay, '127.0.1.31')).final ?? '', /^250 /)
})

test('a client that waits when the relay is told to stop is told so', async () => {
  await using own = await startSite({ pregreet: { mode: 'enforce', delay: '20s' } })
  await using client = await connectRaw({ port: own.relay.port, localAddress: '127.0.1.40' })
  await sleep(100)
  own.relay.signal('SIGTERM')
  assert.match(await client.expect(421), /is shutting down/)
  assert.equal(await own.relay.ended, 0)
})

async function openSessions(): Promise<number> {
  const response = await fetch(`http://127.0.0.1:${site.relay.metricsPort}/metrics`)
  return Number(/^pforte_sessions_current (\d+)$/m.exec(await response.text())?.[1])
}
