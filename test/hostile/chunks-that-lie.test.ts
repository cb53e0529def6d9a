// BDAT with every number but the right one. What is counted is content and never a command, what is not counted is
// never content, nothing half is handed over, and nobody's memory is filled.

import assert from 'node:assert/strict'
import { readdir } from 'node:fs/promises'
import { after, before, beforeEach, test } from 'node:test'
import { openSession, until } from '../e2e/support/mail.ts'
import {
  assertOnlyNextIsServed,
  bdat,
  lastWire,
  openProtocolSite,
  openTransaction,
  peakMemoryBytes,
  type ProtocolSite,
} from './support/protocol-site.ts'

const mebibyte = 1024 * 1024
let site: ProtocolSite
before(async () => (site = await openProtocolSite({ limits: { maxMessage: '20MiB' } })))
beforeEach(() => site.institute.clear())
after(() => site[Symbol.asyncDispose]())

const evil = 'MAIL FROM:<ceo@bank.example>\r\nRCPT TO:<b@inst.example>\r\nBDAT 6 LAST\r\nevil\r\n'
const good = 'Subject: x\r\n\r\nHello\r\n'

test('a chunk that holds commands and other chunks is content', async () => {
  await using client = await openTransaction(site.relay)
  const octets = `${good}.\r\n${evil}QUIT\r\n`
  await client.send(bdat(octets, 'LAST'))
  await client.expect(/^250 /)
  await client.command('NOOP', 250)
  assert.equal(lastWire(site.institute), `${good}..\r\n${evil}QUIT\r\n.\r\n`)
  await assertOnlyNextIsServed(site, 1)
})

test('without MAIL its octets are no commands', async () => {
  await using client = await openSession(site.relay)
  await client.send(`${bdat(evil)}${bdat(evil, 'LAST')}NOOP\r\n`)
  assert.deepEqual(
    (await client.readReplies(3)).map((reply) => reply.slice(0, 3)),
    ['503', '503', '250'],
  )
  await assertOnlyNextIsServed(site, 0)
})

test('before any greeting its octets are no commands', async () => {
  const { connectRaw } = await import('../support/raw-client.ts')
  await using client = await connectRaw({ port: site.relay.port })
  await client.expect(220)
  await client.send(`${bdat(`EHLO x\r\n${evil}`, 'LAST')}NOOP\r\n`)
  await client.expect(/^503 /)
  await client.expect(/^250 2\.0\.0 Ok$/)
  await assertOnlyNextIsServed(site, 0)
})

test('behind recipients that were all refused, in one write: no commands, and the next mail is taken', async () => {
  await using client = await openSession(site.relay)
  const refused = 'MAIL FROM:<s@sender.example>\r\nRCPT TO:<a@elsewhere.example>\r\n'
  const taken = 'MAIL FROM:<s@sender.example>\r\nRCPT TO:<a@inst.example>\r\n'
  await client.send(`${refused}${bdat(evil)}${bdat(evil, 'LAST')}${taken}${bdat(good, 'LAST')}`)
  assert.deepEqual(
    (await client.readReplies(7)).map((reply) => reply.slice(0, 3)),
    ['250', '550', '554', '554', '250', '250', '250'],
  )
  assert.equal(lastWire(site.institute), `${good}.\r\n`)
  await assertOnlyNextIsServed(site, 1)
})

test('more octets than announced: the rest is no content, and ends the session', async () => {
  await using client = await openTransaction(site.relay)
  await client.send(`BDAT ${good.length} LAST\r\n${good}X-Evil: rest of the header\r\n${evil}`)
  await client.expect(/^250 /)
  await client.expect(/^421 4\.7\.0 /)
  await client.closed()
  assert.equal(lastWire(site.institute), `${good}.\r\n`)
  await assertOnlyNextIsServed(site, 1)
})

test('fewer octets than announced: what follows is content, and a client that goes has sent nothing', async () => {
  const client = await openTransaction(site.relay)
  await client.send(`BDAT 100000 LAST\r\n${good}`)
  await client.silent(100)
  client.end()
  await client.closed()
  const reset = await openTransaction(site.relay)
  await reset.send(`BDAT 100000 LAST\r\n${good}`)
  reset.reset()
  await assertOnlyNextIsServed(site, 0)
})

test('a client that goes between two chunks has sent nothing, and no file is left', async () => {
  const client = await openTransaction(site.relay)
  await client.send(bdat(`${good}${'x'.repeat(998)}\r\n`.repeat(600)))
  await client.expect(/^250 2\.0\.0 Chunk received$/)
  client.reset()
  const folder = `${site.relay.folder}/state/spool/incoming`
  await until(async () => (await readdir(folder)).length === 0)
  await assertOnlyNextIsServed(site, 0)
})

test('LAST twice: the second chunk is nobody’s, and no second mail', async () => {
  await using client = await openTransaction(site.relay)
  await client.send(`${bdat(good, 'LAST')}${bdat(evil, 'LAST')}NOOP\r\n`)
  await client.expect(/^250 .* says: /)
  await client.expect(/^503 /)
  await client.expect(/^250 /)
  await assertOnlyNextIsServed(site, 1)
})

test('mixed with DATA: neither the chunks nor what follows is handed over', async () => {
  await using client = await openTransaction(site.relay)
  await client.send(`${bdat(good)}DATA\r\n`)
  await client.expect(/^250 /)
  await client.expect(/^503 /)
  await client.send(`${good}.\r\n`)
  await client.expect(/^421 /) // a header field among commands
  await client.closed()
  await assertOnlyNextIsServed(site, 0)
})

test('BDAT inside DATA is content', async () => {
  await using client = await openTransaction(site.relay)
  await client.command('DATA', 354)
  await client.send(`${good}${bdat(evil, 'LAST')}.\r\n`)
  await client.expect(/^250 /)
  assert.equal(lastWire(site.institute), `${good}${bdat(evil, 'LAST')}.\r\n`)
  await assertOnlyNextIsServed(site, 1)
})

test('numbers that overflow end the session before an octet is read', async () => {
  const numbers = ['4294967296', '9007199254740991', '9007199254740993', '18446744073709551615']
  for (const number of [...numbers, '18446744073709551616', '9'.repeat(300), '-1', '1e9', '0x10']) {
    await using client = await openTransaction(site.relay)
    await client.send(`BDAT ${number} LAST\r\n${evil}`)
    await client.expect(/^(?:521 5\.5\.4|552 5\.3\.4) /)
    await client.closed()
  }
  await assertOnlyNextIsServed(site, 0)
})

test('a BDAT line that is broken ends the session: its octets are no commands', async () => {
  const lines = [
    'BDAT 200\n',
    'BDAT 200\r\r\n',
    'BDAT\t200\r\n',
    'BDAT 2\x0000\r\n',
    'BDAT LAST\r\n',
  ]
  for (const line of [...lines, ' BDAT 200\r\n', `BDAT 200 ${'x'.repeat(4000)}\r\n`]) {
    await using client = await openTransaction(site.relay)
    await client.send(`${line}RSET\r\n${evil}`)
    await client.expect(/^521 5\.5\.4 /)
    await client.closed()
  }
  await assertOnlyNextIsServed(site, 0)
})

test('empty chunks fill no session', async () => {
  await using client = await openTransaction(site.relay)
  await client.send('BDAT 0\r\n'.repeat(1000))
  let count = 1
  while (!(await client.expect()).startsWith('421')) count += 1
  await client.closed()
  assert.ok(count <= 21, `${count} replies`)
  await assertOnlyNextIsServed(site, 0)
})

test('a thousand chunks of one octet are a mail, ten thousand are the end of the session', async () => {
  await using client = await openTransaction(site.relay)
  const octets = `${good}${'.\r\n'.repeat(330)}`
  await client.send(`${octets.replaceAll(/[^]/g, (octet) => bdat(octet))}BDAT 0 LAST\r\n`)
  const replies = await client.readReplies(octets.length + 1)
  assert.match(replies.at(-1) ?? '', /^250 .* says: /)
  assert.equal(lastWire(site.institute), `${good}${'..\r\n'.repeat(330)}.\r\n`)
  await using greedy = await openTransaction(site.relay)
  void greedy.send(bdat('x').repeat(10_000)).catch(() => undefined)
  let count = 0
  while (!(await greedy.expect()).startsWith('421 4.7.0')) count += 1
  assert.ok(count < 2100, `${count} chunks`)
  await assertOnlyNextIsServed(site, 1)
})

test('a mail of 4,000 chunks of a usual size arrives', async () => {
  await using client = await openTransaction(site.relay)
  const lines = `${'x'.repeat(1022)}\r\n`
  await client.send(`${bdat(good)}${bdat(lines).repeat(4000)}BDAT 0 LAST\r\n`)
  const replies = await client.readReplies(4002)
  assert.match(replies.at(-1) ?? '', /^250 .* says: /)
  assert.equal(lastWire(site.institute).length, good.length + 4000 * 1024 + 3)
})

test('chunks above the limit are dropped while they come, and refused with the one that was too much', async () => {
  const { relay } = site
  await using client = await openTransaction(relay)
  const octets = `${'x'.repeat(1022)}\r\n`.repeat(4 * 1024) // 4 MiB
  const before = peakMemoryBytes(relay)
  const codes: string[] = []
  for (let number = 1; number <= 7; number += 1) {
    await client.send(bdat(octets))
    codes.push((await client.expect(undefined, 10_000)).slice(0, 9))
  }
  assert.deepEqual(codes, [
    ...Array.from({ length: 4 }, () => '250 2.0.0'),
    '250 2.0.0', // the limit has a little room for trace fields
    '552 5.3.4',
    '554 5.5.1',
  ])
  await client.send(bdat(octets)) // 32 MiB are more than once and a half the limit
  await client.expect(/^552 5\.3\.4 /, 10_000)
  await client.closed()
  const grownBytes = peakMemoryBytes(relay) - before
  assert.ok(grownBytes < 48 * mebibyte, `${grownBytes / mebibyte} MiB more`)
  await until(async () => (await readdir(`${relay.folder}/state/spool/incoming`)).length === 0)
  await assertOnlyNextIsServed(site, 0)
})

test('RSET and QUIT between chunks: what came is forgotten', async () => {
  await using client = await openTransaction(site.relay)
  await client.send(`${bdat(evil)}RSET\r\n`)
  await client.expect(/^250 /)
  await client.expect(/^250 /)
  await client.command('MAIL FROM:<s@sender.example>', 250)
  await client.command('RCPT TO:<a@inst.example>', 250)
  await client.send(`${bdat(good)}QUIT\r\n`)
  await client.expect(/^250 /)
  await client.expect(/^221 /)
  await client.closed()
  await assertOnlyNextIsServed(site, 0)
})

test('smuggled line ends in a chunk are refused with it', async () => {
  for (const end of ['\n.\n', '\r\n.\n', '\n.\r\n', '\r.\r', '\r\n.\r', '\r', '\n']) {
    await using client = await openTransaction(site.relay)
    await client.send(bdat(`${good}${end}${evil}`, 'LAST'))
    await client.expect(/^550 5\.5\.2 /)
    await client.command('NOOP', 250)
  }
  await assertOnlyNextIsServed(site, 0)
})
