// 100 MB without a line end, as a command and as content: nothing of it is kept, and the relay's memory does not
// grow with it.

import assert from 'node:assert/strict'
import { after, before, beforeEach, test } from 'node:test'
import type { RawClient } from '../support/raw-client.ts'
import { openSession } from '../e2e/support/mail.ts'
import {
  assertOnlyNextIsServed,
  lastWire,
  openProtocolSite,
  openTransaction,
  peakMemoryBytes,
  type ProtocolSite,
} from './support/protocol-site.ts'

const mebibyte = 1024 * 1024
const piece = Buffer.alloc(mebibyte, 'x')
let site: ProtocolSite
before(async () => (site = await openProtocolSite({ limits: { maxMessage: '2MiB' } })))
beforeEach(() => site.institute.clear())
after(() => site[Symbol.asyncDispose]())

async function sendMebibytes(client: RawClient, count: number): Promise<void> {
  for (let sent = 0; sent < count; sent += 1) await client.sendBytes(piece)
}

/** The first 50 MiB show what the runtime lets lie between two collections; then 100 MiB may not be kept. */
async function sendEndless(client: RawClient): Promise<void> {
  await sendMebibytes(client, 50)
  const before = peakMemoryBytes(site.relay)
  await sendMebibytes(client, 100)
  const grown = (peakMemoryBytes(site.relay) - before) / mebibyte
  assert.ok(grown < 64, `${grown} MiB more`)
}

test('as a command: one error, and the session goes on', async () => {
  await using client = await openSession(site.relay)
  await sendEndless(client)
  await client.send('\r\n')
  await client.expect(/^500 5\.5\.2 /, 20_000)
  await client.command('NOOP', 250)
  await assertOnlyNextIsServed(site, 0)
})

test('as content: refused at its end, and the session goes on', async () => {
  await using client = await openTransaction(site.relay)
  await client.command('DATA', 354)
  await sendEndless(client)
  await client.send('\r\n.\r\n')
  await client.expect(/^552 5\.3\.4 /, 20_000)
  await client.command('NOOP', 250)
  await assertOnlyNextIsServed(site, 0)
})

test('as a header section: refused, nothing of it goes anywhere', async () => {
  await using client = await openTransaction(site.relay)
  await client.command('DATA', 354)
  await client.send(`Subject: ${'x'.repeat(mebibyte)}`)
  await client.send('\r\n\r\nbody\r\n.\r\n')
  await client.expect(/^554 5\.6\.0 /)
  await assertOnlyNextIsServed(site, 0)
})

test('a content that comes octet by octet, each in a packet of its own, is taken', async () => {
  await using client = await openTransaction(site.relay)
  await client.command('DATA', 354)
  const content = `Subject: x\r\n\r\n${'x'.repeat(3000)}\r\n.\r\n`
  for (const octet of Buffer.from(content)) await client.sendBytes(Buffer.of(octet))
  await client.expect(/^250 /)
  assert.equal(lastWire(site.institute), content)
})
