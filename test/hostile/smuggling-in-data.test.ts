// SMTP smuggling over the socket (CVE-2023-51764 and its kin): content with what only looks like the end of
// data, and a second mail behind it. The client is one the relay would trust, the hidden mail is not its own.

import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { textsOf } from '../support/content-oracle.ts'
import {
  assertOnlyNextIsServed,
  lastWire,
  openProtocolSite,
  openTransaction,
  type ProtocolSite,
} from './support/protocol-site.ts'

let site: ProtocolSite
before(async () => (site = await openProtocolSite({ limits: { maxTransactions: 1000 } })))
after(() => site[Symbol.asyncDispose]())

const hidden = 'MAIL FROM:<ceo@bank.example>\r\nRCPT TO:<b@inst.example>\r\nDATA\r\nhidden\r\n'
const lineEnds = ['\r', '\n', '\r\n', '\n\r', '\r\r\n', '\0\r\n', '\r\0\n', '\r\n\0', '']
/** Everything around a dot that some server might take for the end, the true end apart. */
const falseEnds = lineEnds
  .flatMap((first) => lineEnds.map((second) => `${first}.${second}`))
  .filter((end) => !end.includes('\r\n.\r\n'))

function isBare(text: string): boolean {
  return /\r(?!\n)|(?<!\r)\n/.test(text)
}

/** One session for all: each mail has a reply of its own, so a hidden one would shift them. */
async function sendAll(ends: readonly string[], pieceBytes: number): Promise<void> {
  const client = await openTransaction(site.relay)
  for (const [index, end] of ends.entries()) {
    if (index > 0) {
      await client.command('MAIL FROM:<s@sender.example>', 250)
      await client.command('RCPT TO:<a@inst.example>', 250)
    }
    await client.command('DATA', 354)
    const content = `Subject: x\r\n\r\nvisible${end}${hidden}`
    const bytes = Buffer.from(`${content}.\r\n`, 'latin1')
    for (let offset = 0; offset < bytes.length; offset += pieceBytes) {
      await client.sendBytes(bytes.subarray(offset, offset + pieceBytes))
    }
    const reply = await client.expect()
    assert.match(reply, isBare(content) ? /^550 5\.5\.2 / : /^250 /, JSON.stringify(end))
    if (reply.startsWith('250')) assert.equal(lastWire(site.institute), `${content}.\r\n`)
  }
  await client.command('NOOP', 250)
  await client[Symbol.asyncDispose]()
}

function assertNothingHidden(): void {
  for (const { recipients, reversePath, wire } of site.institute.mails) {
    assert.deepEqual([reversePath, recipients], ['s@sender.example', ['a@inst.example']])
    assert.ok(!isBare(wire?.toString('latin1') ?? ''))
  }
  assert.ok(site.institute.commandTexts.every((text) => !text.includes('bank.example')))
}

test('every pair of line ends around a dot: one mail each, nothing hidden gets through', async () => {
  await sendAll(falseEnds, Infinity)
  assertNothingHidden()
})

test('the same, cut into packets of three bytes', async () => {
  site.institute.clear()
  await sendAll(
    falseEnds.filter((end) => /^\r?\n?\.\r?\n?$/.test(end)),
    3,
  )
  assertNothingHidden()
})

test('CR, LF and NUL in every order in place of the first line end', async () => {
  site.institute.clear()
  const orders = [...textsOf(['\r', '\n', '\0'], 3)].map((text) => `${text}.\r\n`)
  await sendAll(
    orders.filter((end) => !end.includes('\r\n.\r\n')),
    Infinity,
  )
  assertNothingHidden()
})

test('a second true end is no second mail', async () => {
  site.institute.clear()
  const client = await openTransaction(site.relay)
  await client.command('DATA', 354)
  await client.send(`Subject: x\r\n\r\nvisible\r\n.\r\n.\r\n${hidden}.\r\n`)
  await client.expect(/^250 /)
  await client.expect(/^421 4\.7\.0 /)
  await client.closed()
  assert.equal(site.institute.mails.length, 1)
  assertNothingHidden()
  await assertOnlyNextIsServed(site, 1)
})

test('an end that never comes: nothing is handed over when the client goes', async () => {
  site.institute.clear()
  for (const end of ['\n.\n', '\r.\r', '\r\n.\n', '\r\n.\r', '\r\n.', '\r\n']) {
    const client = await openTransaction(site.relay)
    await client.command('DATA', 354)
    await client.sendBytes(Buffer.from(`Subject: x\r\n\r\nvisible${end}`, 'latin1'))
    client.end()
    await client.closed()
  }
  await assertOnlyNextIsServed(site, 0)
})
