// The mailbox was there when it was asked for and is gone when the mail is handed over.

import assert from 'node:assert/strict'
import { after, before, beforeEach, test } from 'node:test'
import { startInstituteServer, type InstituteServer } from '../../demo/institute-server.ts'
import { startRelay, type TestRelay } from '../support/relay.ts'
import { endpointOf, openSession, rcptCount, sendOneMail } from './support/mail.ts'

let institute: InstituteServer
let relay: TestRelay

before(async () => {
  institute = await startInstituteServer()
  relay = await startRelay({
    domains: [{ domain: 'inst.example', to: endpointOf(institute) }],
    config: { verification: { negativeFresh: '500ms' } },
  })
})
beforeEach(async () => {
  institute.setScript({ replies: {} })
  institute.setMailboxes(['a@inst.example', 'b@inst.example', 'c@inst.example', 'd@inst.example'])
})
after(async () => {
  await relay[Symbol.asyncDispose]()
  await institute.close()
})

test('one recipient: its own 550 reaches the client', async () => {
  await using client = await openSession(relay)
  await client.command('MAIL FROM:<s@sender.example>', 250)
  await client.command('RCPT TO:<a@inst.example>', 250)
  institute.setMailboxes([])
  await client.command('DATA', 354)
  const reply = await client.command('Subject: x\r\n\r\nText.\r\n.', 550)
  assert.match(reply, /^550 5\.1\.1 127\.0\.0\.1 says: 550 5\.1\.1 .*User unknown/)
  assert.equal(institute.mails.length, 0)
  // The cache has been corrected.
  assert.match((await sendOneMail(relay, { to: 'a@inst.example' })).recipients[0] ?? '', /^550 /)
})

test('one of several: 451, nothing sent, and the retry gets exact answers', async () => {
  const mailCount = institute.mails.length
  const to = ['b@inst.example', 'c@inst.example']
  await using client = await openSession(relay)
  await client.command('MAIL FROM:<s@sender.example>', 250)
  for (const address of to) await client.command(`RCPT TO:<${address}>`, 250)
  institute.setMailboxes(['b@inst.example'])
  await client.command('DATA', 354)
  await client.command('Subject: x\r\n\r\nText.\r\n.', /^451 4\.1\.1 /)
  assert.equal(institute.mails.length, mailCount)
  const retry = await sendOneMail(relay, { to })
  assert.match(retry.recipients[0] ?? '', /^250 /)
  assert.match(retry.recipients[1] ?? '', /^550 5\.1\.1 /)
  assert.match(retry.final ?? '', /^250 /)
  assert.deepEqual(
    institute.mails.slice(mailCount).map((mail) => mail.recipients),
    [['b@inst.example']],
  )
})

test('mailbox full at hand-over is temporary', async () => {
  const mailCount = institute.mails.length
  await sendOneMail(relay, { to: 'd@inst.example' })
  institute.setScript({ replies: { 'd@inst.example': '552 5.2.2 Over quota' } })
  const sent = await sendOneMail(relay, { to: 'd@inst.example' })
  assert.match(sent.recipients[0] ?? '', /^250 /)
  assert.match(sent.final ?? '', /^452 4\.2\.2 /)
  assert.equal(institute.mails.length, mailCount + 1)
})

test('a mailbox that was unknown is found once the refusal has aged', async () => {
  const mailCount = institute.mails.length
  const to = 'new@inst.example'
  assert.match((await sendOneMail(relay, { to })).recipients[0] ?? '', /^550 /)
  institute.setMailboxes([to])
  assert.match((await sendOneMail(relay, { to })).recipients[0] ?? '', /^550 /)
  assert.equal(rcptCount(institute, to), 1)
  await new Promise((resolve) => setTimeout(resolve, 600))
  assert.match((await sendOneMail(relay, { to })).final ?? '', /^250 /)
  assert.equal(rcptCount(institute, to), 3)
  assert.equal(institute.mails.length, mailCount + 1)
})
