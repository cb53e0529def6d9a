// Clients that take all places and say nothing are sent away while places are rare; others get in.

import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { openSession, until } from '../e2e/support/mail.ts'
import { connectRaw, type RawClient } from '../support/raw-client.ts'
import {
  assertOnlyNextIsServed,
  openProtocolSite,
  type ProtocolSite,
} from './support/protocol-site.ts'

const maxSessions = 20
let site: ProtocolSite
before(async () => {
  site = await openProtocolSite({ limits: { maxSessions }, load: { strainedTimeout: '1s' } })
})
after(() => site[Symbol.asyncDispose]())

async function fill(count: number): Promise<readonly RawClient[]> {
  return await Promise.all(Array.from({ length: count }, () => openSession(site.relay)))
}

test('all places: 421 to the next, a second later the idle ones are gone and it is served', async () => {
  const idle = await fill(maxSessions)
  await using turnedAway = await connectRaw({ port: site.relay.port })
  await turnedAway.expect(/^421 4\.3\.2 .*too many sessions/)
  await turnedAway.closed()
  for (const client of idle) {
    await client.expect(/^421 4\.4\.2 /, 4000)
    await client.closed()
  }
  await until(() => site.relay.events('strain-ended').length === 1)
  assert.deepEqual(
    site.relay.events('strain-began').map(({ sessionCount }) => sessionCount),
    [16],
  )
  await assertOnlyNextIsServed(site, 0)
})

test('below the share nobody is hurried', async () => {
  const idle = await fill(10)
  await idle[0]?.silent(2000)
  for (const client of idle) {
    await client.command('QUIT', 221)
    await client[Symbol.asyncDispose]()
  }
})

test('under strain one error is too many, and a mail that is under way comes to its end', async () => {
  site.institute.clear()
  await using sender = await openSession(site.relay)
  await sender.command('BOGUS', 500)
  await sender.command('MAIL FROM:<s@sender.example>', 250)
  await sender.command('RCPT TO:<a@inst.example>', 250)
  const others = await fill(maxSessions - 2)
  await using wrong = await openSession(site.relay)
  await wrong.command('BOGUS', 500)
  await wrong.expect(/^421 4\.7\.0 .*too many errors/)
  await sender.command('DATA', 354)
  await sender.send('Subject: x\r\n\r\n.\r\n')
  await sender.expect(250)
  for (const client of others) await client[Symbol.asyncDispose]()
  await sender[Symbol.asyncDispose]()
  await until(() => site.relay.events('strain-ended').length === 2)
  await assertOnlyNextIsServed(site, 1)
})
