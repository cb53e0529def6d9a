// A client that sends a byte now and then, in a command or in content, does not keep its place for long; one that
// is slow but sends mail is not sent away.

import assert from 'node:assert/strict'
import { after, before, beforeEach, test } from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'
import { openSession } from '../e2e/support/mail.ts'
import type { RawClient } from '../support/raw-client.ts'
import {
  assertOnlyNextIsServed,
  openProtocolSite,
  openTransaction,
  type ProtocolSite,
} from './support/protocol-site.ts'

let site: ProtocolSite
before(async () => {
  const limits = { commandTimeout: '1s', dataTimeout: '1s', minDataRate: '500B' }
  site = await openProtocolSite({ limits })
})
beforeEach(() => site.institute.clear())
after(() => site[Symbol.asyncDispose]())

/** Every 100 ms, until the relay has had enough, 5 s at most. */
async function drip(client: RawClient, text: string): Promise<number> {
  const startMs = performance.now()
  const said = client.expect(421, 6000)
  const ended = { value: false }
  void said.finally(() => (ended.value = true)).catch(() => undefined)
  while (!ended.value && performance.now() - startMs < 5000) {
    await client.send(text).catch(() => undefined)
    await pause(100)
  }
  assert.match(await said, /^421 4\.4\.2 /)
  await client.closed()
  return performance.now() - startMs
}

test('a command that never gets whole', async () => {
  await using client = await openSession(site.relay)
  const tookMs = await drip(client, 'N')
  assert.ok(tookMs < 3000, `${tookMs}`)
  await assertOnlyNextIsServed(site, 0)
})

test('a line without end, dripped within a transaction', async () => {
  await using client = await openTransaction(site.relay)
  assert.ok((await drip(client, 'RCPT TO:<')) < 3000)
  await assertOnlyNextIsServed(site, 0)
})

test('content at a tenth of the rate', async () => {
  await using client = await openTransaction(site.relay)
  await client.command('DATA', 354)
  assert.ok((await drip(client, 'x\r\n..\r')) < 3000)
  await assertOnlyNextIsServed(site, 0)
})

test('the octets of a chunk at a tenth of the rate', async () => {
  await using client = await openTransaction(site.relay)
  await client.send('BDAT 100000 LAST\r\n')
  assert.ok((await drip(client, 'xxxxx')) < 3000)
  await assertOnlyNextIsServed(site, 0)
})

test('content at twice the rate gets through, however long it takes', async () => {
  await using client = await openTransaction(site.relay)
  await client.command('DATA', 354)
  await client.send('Subject: slow\r\n\r\n')
  for (let count = 0; count < 25; count += 1) {
    await client.send(`${'x'.repeat(98)}\r\n`)
    await pause(100)
  }
  await client.command('.', 250)
  assert.equal(site.institute.mails.length, 1)
  await assertOnlyNextIsServed(site, 1)
})
