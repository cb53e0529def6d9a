// Limits on what one client, and all of them, may use.

import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { startInstituteServer, type InstituteServer } from '../../demo/institute-server.ts'
import { connectRaw } from '../support/raw-client.ts'
import { startRelay, type TestRelay } from '../support/relay.ts'
import { endpointOf, openSession, sendMail, until } from './support/mail.ts'

let institute: InstituteServer
let relay: TestRelay

before(async () => {
  institute = await startInstituteServer()
  relay = await startRelay({
    domains: [{ domain: 'inst.example', to: endpointOf(institute) }],
    config: {
      limits: {
        commandTimeout: '1s',
        dataTimeout: '1s',
        maxSessions: 3,
        maxErrors: 3,
        maxTransactions: 2,
        // One test floods.
        maxCommands: 1_000_000,
        maxIdleCommands: 1_000_000,
      },
    },
  })
})
after(async () => {
  await relay[Symbol.asyncDispose]()
  await institute.close()
})

test('a silent client gets 421 after the command timeout', async () => {
  await using client = await openSession(relay)
  await client.expect(/^421 4\.4\.2 .*timeout/, 3000)
  await client.closed()
})

test('a client that stops within the content gets 421, and nothing is delivered', async () => {
  const mailCount = institute.mails.length
  await using client = await openSession(relay)
  await client.command('MAIL FROM:<s@sender.example>', 250)
  await client.command('RCPT TO:<a@inst.example>', 250)
  await client.command('DATA', 354)
  await client.send('Subject: x\r\n\r\nhalf')
  await client.expect(421, 3000)
  await client.closed()
  assert.equal(institute.mails.length, mailCount)
})

test('an institute that takes its time does not count as a silent client', async () => {
  institute.setScript({ delayMs: { final: 1500 } })
  await using client = await openSession(relay)
  assert.match((await sendMail(client, { to: 'a@inst.example' })).final ?? '', /^250 /)
  institute.setScript({ delayMs: {} })
})

test('too many sessions: 421, and a place is free again when one ends', async () => {
  await until(() => relay.events('session-opened').length === relay.events('session-closed').length)
  const clients = await Promise.all([1, 2, 3].map(() => openSession(relay)))
  await using fourth = await connectRaw({ port: relay.port })
  await fourth.expect(/^421 4\.3\.2 .*too many sessions/)
  await fourth.closed()
  const [first] = clients
  await first?.command('QUIT', 221)
  await until(() => relay.events('session-closed').some(({ reason }) => reason === 'quit'))
  await using fifth = await openSession(relay)
  await fifth.command('NOOP', 250)
  for (const client of clients) await client[Symbol.asyncDispose]()
})

test('too many errors: the reply that is due, then 421', async () => {
  await until(() => relay.events('session-opened').length === relay.events('session-closed').length)
  await using client = await openSession(relay)
  await client.command('BOGUS', 500)
  await client.command('BOGUS', 500)
  await client.command('BOGUS', 500)
  await client.expect(/^421 4\.7\.0 /)
  await client.closed()
})

test('too many mails in one session: 421 at MAIL', async () => {
  await using client = await openSession(relay)
  for (const _mail of [1, 2]) {
    assert.match((await sendMail(client, { to: 'a@inst.example' })).final ?? '', /^250 /)
  }
  await client.command('MAIL FROM:<s@sender.example>', /^421 4\.5\.3 /)
  await client.closed()
})

test('a client that does not read is held up, and let go in the end', async () => {
  await using client = await openSession(relay)
  client.pause()
  const help = 'HELP\r\n'.repeat(1000)
  // The relay stops reading long before it has buffered replies to all of this.
  const isTaken = await Promise.race([
    sendMany(client, help, 2000).then(() => true),
    new Promise<boolean>((resolve) => setTimeout(() => resolve(false), 1500)),
  ])
  assert.equal(isTaken, false)
  await until(() => relay.events('session-closed').some(({ reason }) => reason === 'timeout'))
})

async function sendMany(
  client: { readonly send: (text: string) => Promise<void> },
  text: string,
  count: number,
): Promise<void> {
  for (let sent = 0; sent < count; sent += 1)
    await client.send(text).catch(() => new Promise(() => undefined))
}
