// Clients that end their side and go on reading, at every step: what they have sent completely is answered, then the
// connection is over. No place, no count and no mail is left behind.

import assert from 'node:assert/strict'
import { after, before, beforeEach, test } from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'
import { openSession, until } from '../e2e/support/mail.ts'
import { connectRaw, type RawClient } from '../support/raw-client.ts'
import { eventOf, sendFrom, startSite, type GreetingSite } from './support/greeting.ts'

const envelope = 'MAIL FROM:<s@sender.example>\r\nRCPT TO:<a@inst.example>\r\n'
const content = 'Subject: half\r\n\r\nText\r\n.\r\n'
const wholeSession = `EHLO client.example\r\n${envelope}DATA\r\n${content}`

/** Short enough to tell a connection that is ended from one that runs into its timeouts. */
const patienceMs = 20_000
const delayMs = 700

let observing: GreetingSite
let enforcing: GreetingSite
before(async () => {
  const connections = { mode: 'enforce', perAddress: 3, perNetwork: 0 }
  const pregreet = { mode: 'observe', delay: `${delayMs}ms` }
  observing = await startSite({ connections, pregreet, rate: { mode: 'off' } })
  enforcing = await startSite({ connections, pregreet: { ...pregreet, mode: 'enforce' } })
})
beforeEach(() => {
  observing.institute.clear()
  enforcing.institute.clear()
})
after(async () => {
  await observing[Symbol.asyncDispose]()
  await enforcing[Symbol.asyncDispose]()
})

let lastAddress = 0
/** A client the greeting stage has not seen. */
async function stranger(site: GreetingSite): Promise<{ client: RawClient; address: string }> {
  lastAddress += 1
  const address = `127.0.5.${lastAddress}`
  const client = await connectRaw({ port: site.relay.port, localAddress: address })
  return { client, address }
}

/** All replies until the connection is over, which it has to be soon. */
async function repliesOf(client: RawClient): Promise<readonly string[]> {
  const startMs = performance.now()
  const replies: string[] = []
  for (;;) {
    const reply = await client.expect(undefined, patienceMs).catch((error: unknown) => {
      assert.match(String(error), /the connection ended/, `after ${replies.length} replies`)
      return null
    })
    if (reply === null) break
    replies.push(reply)
  }
  assert.ok(performance.now() - startMs < patienceMs)
  return replies.map((reply) =>
    reply.slice(reply.lastIndexOf('\n') + 1, reply.lastIndexOf('\n') + 4),
  )
}

/** Nothing of it is left, and a fourth client of the same address would be refused if there were. */
async function assertNothingIsLeft(site: GreetingSite, address: string): Promise<void> {
  await until(async () => (await gauge(site, 'pforte_sessions_current')) === 0)
  await site.relay.waitForEvent(
    ({ event, clientAddress }) => event === 'session-closed' && clientAddress === address,
  )
  const mailCount = site.institute.mails.length
  assert.match((await sendFrom(site.relay, address)).final ?? '', /^250 /)
  assert.equal(site.institute.mails.length, mailCount + 1)
}

async function gauge({ relay }: GreetingSite, name: string): Promise<number> {
  const response = await fetch(`http://127.0.0.1:${relay.metricsPort}/metrics`)
  return Number(new RegExp(`^${name} (\\d+)$`, 'm').exec(await response.text())?.[1])
}

test('before the banner, observed: a whole session is served once, then it is over', async () => {
  const { client, address } = await stranger(observing)
  await client.send(wholeSession)
  client.end()
  assert.deepEqual(await repliesOf(client), ['220', '250', '250', '250', '354', '250'])
  assert.equal(observing.institute.mails.length, 1)
  assert.equal((await eventOf(observing.relay, 'client-pregreeted', address))['mode'], 'observe')
  await assertNothingIsLeft(observing, address)
})

test('before the banner, observed: the end comes later than the words', async () => {
  const { client, address } = await stranger(observing)
  await client.send('EHLO client.example\r\n')
  await pause(200)
  client.end()
  assert.deepEqual(await repliesOf(client), ['220', '250'])
  await assertNothingIsLeft(observing, address)
})

test('before the banner, observed: half a command, half a content', async () => {
  for (const text of ['EHL', wholeSession.slice(0, -3)]) {
    const { client, address } = await stranger(observing)
    await client.send(text)
    client.end()
    await repliesOf(client)
    assert.deepEqual(observing.institute.mails, [])
    await assertNothingIsLeft(observing, address)
    observing.institute.clear()
  }
})

test('before the banner, without a word: it will not have one', async () => {
  for (const site of [observing, enforcing]) {
    const { client, address } = await stranger(site)
    client.end()
    const startMs = performance.now()
    // The first line of the banner may have been on its way.
    await client.expect(/^220-/).catch(() => undefined)
    await client.closed(patienceMs).catch(() => undefined)
    assert.ok(performance.now() - startMs < patienceMs)
    await eventOf(site.relay, 'client-left-early', address)
    const opened = site.relay.events('session-opened')
    assert.ok(opened.every(({ clientAddress }) => clientAddress !== address))
    assert.match((await sendFrom(site.relay, address)).final ?? '', /^250 /)
  }
})

test('before the banner, enforced: 521, and nothing is carried out', async () => {
  const { client, address } = await stranger(enforcing)
  await client.send(wholeSession)
  client.end()
  assert.deepEqual(await repliesOf(client), ['521'])
  assert.deepEqual(enforcing.institute.mails, [])
  assert.match((await sendFrom(enforcing.relay, address)).final ?? '', /^250 /)
})

test('thirty of one address, which may have three: none is counted on', async () => {
  const address = '127.0.6.1'
  for (let round = 0; round < 10; round += 1) {
    const clients = await Promise.all(
      [1, 2, 3].map(() => connectRaw({ port: observing.relay.port, localAddress: address })),
    )
    for (const [index, client] of clients.entries()) {
      if (index > 0) await client.send(index === 1 ? 'EHLO a\r\n' : 'EHLO a\r\nQUIT\r\n')
      client.end()
    }
    for (const client of clients) {
      await repliesOf(client)
      await client[Symbol.asyncDispose]()
    }
  }
  const limited = observing.relay.events('client-limited')
  assert.deepEqual(
    limited.filter(({ clientAddress }) => clientAddress === address),
    [],
  )
  await assertNothingIsLeft(observing, address)
})

const steps: readonly (readonly [
  step: string,
  text: string,
  codes: readonly string[],
  mails: number,
])[] = [
  ['after the banner', '', [], 0],
  ['within a command', 'MAIL FROM:<', [], 0],
  ['within a transaction', envelope, ['250', '250'], 0],
  ['behind DATA', `${envelope}DATA\r\n`, ['250', '250', '354'], 0],
  ['within the content', `${envelope}DATA\r\nSubject: x\r\n\r\n`, ['250', '250', '354'], 0],
  ['before the last LF', `${envelope}DATA\r\n${content.slice(0, -1)}`, ['250', '250', '354'], 0],
  ['behind the end of data', `${envelope}DATA\r\n${content}`, ['250', '250', '354', '250'], 1],
  ['within a chunk', `${envelope}BDAT 100 LAST\r\nSubject: x\r\n`, ['250', '250'], 0],
  ['between chunks', `${envelope}BDAT 2\r\n\r\n`, ['250', '250', '250'], 0],
  ['behind the last chunk', `${envelope}BDAT 2 LAST\r\n\r\n`, ['250', '250', '250'], 1],
  ['behind QUIT', 'QUIT\r\n', ['221'], 0],
  [
    'behind a recipient that is asked for',
    `MAIL FROM:<>\r\nRCPT TO:<new@inst.example>\r\n`,
    ['250', '250'],
    0,
  ],
]

for (const [step, text, codes, mailCount] of steps) {
  test(`in a session, ${step}`, async () => {
    const address = '127.0.7.1'
    const client = await openSession(observing.relay, { localAddress: address })
    const closedBefore = observing.relay.events('session-closed').length
    if (text !== '') await client.send(text)
    client.end()
    assert.deepEqual(await repliesOf(client), codes)
    await until(() => observing.relay.events('session-closed').length > closedBefore)
    assert.equal(observing.institute.mails.length, mailCount)
    await assertNothingIsLeft(observing, address)
  })
}

test('with replies that it does not read', async () => {
  const address = '127.0.8.1'
  const client = await openSession(observing.relay, { localAddress: address })
  client.pause()
  await client.send('EHLO a\r\n'.repeat(90))
  client.end()
  await pause(300)
  await client[Symbol.asyncDispose]()
  await assertNothingIsLeft(observing, address)
})
