// 10,000 RCPT in one write: a hundred are taken, the others hear so one by one, and the mail goes to those alone;
// unless the limits of errors and commands come first.

import assert from 'node:assert/strict'
import { after, before, beforeEach, test } from 'node:test'
import { openSession } from '../e2e/support/mail.ts'
import {
  assertOnlyNextIsServed,
  openProtocolSite,
  peakMemoryBytes,
  type ProtocolSite,
} from './support/protocol-site.ts'

const count = 10_000
let site: ProtocolSite
before(async () => (site = await openProtocolSite({ limits: { maxCommands: 20_000 } })))
beforeEach(() => site.institute.clear())
after(() => site[Symbol.asyncDispose]())

test('different ones: a hundred are taken', async () => {
  const before = peakMemoryBytes(site.relay)
  await using client = await openSession(site.relay)
  const group = Array.from(
    { length: count },
    (_none, index) => `RCPT TO:<r${index}@inst.example>\r\n`,
  )
  void client.send(`MAIL FROM:<s@sender.example>\r\n${group.join('')}DATA\r\n`)
  const replies = await client.readReplies(count + 2)
  const codes = Map.groupBy(replies, (reply) => reply.slice(0, 3))
  assert.equal(codes.get('250')?.length, 101)
  assert.equal(codes.get('452')?.length, count - 100)
  assert.match(replies.at(-1) ?? '', /^354 /)
  await client.send('Subject: x\r\n\r\n.\r\n')
  await client.expect(/^250 /)
  assert.deepEqual(
    site.institute.mails[0]?.recipients,
    Array.from({ length: 100 }, (_none, index) => `r${index}@inst.example`),
  )
  const grown = (peakMemoryBytes(site.relay) - before) / 1024 ** 2
  assert.ok(grown < 60, `${grown} MiB more`)
  await assertOnlyNextIsServed(site, 1)
})

test('of domains that are not served: none is asked for, and after twenty errors it is over', async () => {
  await using client = await openSession(site.relay)
  const group = Array.from(
    { length: count },
    (_none, index) => `RCPT TO:<a@no${index}.example>\r\n`,
  )
  void client.send(`MAIL FROM:<s@sender.example>\r\n${group.join('')}`).catch(() => undefined)
  const replies = await client.readReplies(22)
  assert.equal(replies.filter((reply) => reply.startsWith('550 5.7.1 ')).length, 20)
  assert.match(replies.at(-1) ?? '', /^421 4\.7\.0 /)
  assert.ok(site.institute.commandTexts.every((text) => !text.includes('a@no')))
  await assertOnlyNextIsServed(site, 0)
})
