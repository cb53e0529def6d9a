// Commands, errors and transactions without end: each session has a limit, says which, and asks nobody for it.

import assert from 'node:assert/strict'
import { after, before, beforeEach, test } from 'node:test'
import { openSession, sendMail } from '../e2e/support/mail.ts'
import {
  assertOnlyNextIsServed,
  openProtocolSite,
  type ProtocolSite,
} from './support/protocol-site.ts'

let site: ProtocolSite
before(async () => {
  site = await openProtocolSite({ limits: { maxTransactions: 5, maxIdleCommands: 10 } })
})
beforeEach(() => site.institute.clear())
after(() => site[Symbol.asyncDispose]())

test('10,000 NOOP: ten get their reply, then 421 says why', async () => {
  await using client = await openSession(site.relay)
  void client.send('NOOP\r\n'.repeat(10_000)).catch(() => undefined)
  const replies = await client.readReplies(11)
  assert.ok(replies.slice(0, 10).every((reply) => reply.startsWith('250 ')))
  assert.match(replies[10] ?? '', /^421 4\.7\.0 .*too many commands without a mail/)
  await assertOnlyNextIsServed(site, 0)
})

test('1,000 errors: twenty, then 421', async () => {
  await using client = await openSession(site.relay)
  void client.send('BOGUS\r\n'.repeat(1000)).catch(() => undefined)
  const replies = await client.readReplies(21)
  assert.ok(replies.slice(0, 20).every((reply) => reply.startsWith('500 ')))
  assert.match(replies[20] ?? '', /^421 4\.7\.0 .*too many errors/)
  await assertOnlyNextIsServed(site, 0)
})

test('transactions that are begun and given up: five, then 421', async () => {
  await using client = await openSession(site.relay)
  void client.send('MAIL FROM:<s@sender.example>\r\nRSET\r\n'.repeat(1000)).catch(() => undefined)
  const replies = await client.readReplies(11)
  assert.match(replies[10] ?? '', /^421 4\.5\.3 .*too many mails/)
  assert.equal(site.institute.commandTexts.length, 0)
  await assertOnlyNextIsServed(site, 0)
})

test('greetings without end', async () => {
  await using client = await openSession(site.relay)
  void client.send('EHLO a\r\nHELO a\r\n'.repeat(1000)).catch(() => undefined)
  const replies = await client.readReplies(11)
  assert.match(replies[10] ?? '', /^421 4\.7\.0 /)
  await assertOnlyNextIsServed(site, 0)
})

test('whoever sends mail between may go on', async () => {
  await using client = await openSession(site.relay)
  for (let count = 0; count < 4; count += 1) {
    for (let noop = 0; noop < 8; noop += 1) await client.command('NOOP', 250)
    assert.match((await sendMail(client, { to: 'a@inst.example' })).final ?? '', /^250 /)
  }
  await client.command('QUIT', 221)
  await assertOnlyNextIsServed(site, 4)
})
