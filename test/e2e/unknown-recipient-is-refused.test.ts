import assert from 'node:assert/strict'
import { after, before, beforeEach, test } from 'node:test'
import { startInstituteServer, type InstituteServer } from '../../demo/institute-server.ts'
import { startRelay, type TestRelay } from '../support/relay.ts'
import { endpointOf, openSession, rcptCount, sendOneMail } from './support/mail.ts'

let institute: InstituteServer
let relay: TestRelay

before(async () => {
  institute = await startInstituteServer({ mailboxes: ['known@inst.example'] })
  relay = await startRelay({
    domains: [{ domain: 'inst.example', to: endpointOf(institute) }],
    config: { limits: { unknownRecipientDelay: '100ms' } },
  })
})
// Connections are reused, so nothing is cleared: what a test looks at it counts itself.
beforeEach(() => {
  institute.setScript({ unknownReply: '550 5.1.1 <x>: User unknown' })
})
after(async () => {
  await relay[Symbol.asyncDispose]()
  await institute.close()
})

test('550 with the institute’s own words, and no mail', async () => {
  institute.setScript({ unknownReply: '550-5.1.1 No such\n550 5.1.1 mailbox \u0007here' })
  const sent = await sendOneMail(relay, { to: 'nobody@inst.example' })
  const [reply = ''] = sent.recipients
  assert.match(
    reply,
    /^550 5\.1\.1 <nobody@inst\.example>: 127\.0\.0\.1 says: 550 5\.1\.1 No such mailbox .?here \[\S+\]$/,
  )
  assert.ok(!reply.includes('\u0007'))
  assert.equal(sent.final, null)
  assert.equal(institute.mails.length, 0)
  assert.ok(!institute.commandTexts.includes('DATA'))
})

test('the known one beside it gets the mail', async () => {
  const sent = await sendOneMail(relay, { to: ['no1@inst.example', 'known@inst.example'] })
  assert.match(sent.recipients[0] ?? '', /^550 5\.1\.1/)
  assert.match(sent.final ?? '', /^250 /)
  assert.deepEqual(institute.mails.at(-1)?.recipients, ['known@inst.example'])
  assert.equal(institute.mails.length, 1)
})

test('a refusal just heard is not asked for again', async () => {
  await sendOneMail(relay, { to: 'no2@inst.example' })
  await sendOneMail(relay, { to: 'no2@inst.example' })
  assert.equal(rcptCount(institute, 'no2@inst.example'), 1)
})

test('guessing becomes slow after 5 and ends with 421 after 20', async () => {
  await using client = await openSession(relay)
  await client.command('MAIL FROM:<s@sender.example>', 250)
  const tookMs: number[] = []
  for (let count = 1; count <= 20; count += 1) {
    const startMs = performance.now()
    await client.command(`RCPT TO:<guess${count}@inst.example>`, 550)
    tookMs.push(performance.now() - startMs)
  }
  assert.ok(Math.min(...tookMs.slice(0, 5)) < 98, tookMs.join(' '))
  assert.ok(Math.min(...tookMs.slice(5)) >= 98, tookMs.join(' '))
  const last = await client.command('RCPT TO:<guess21@inst.example>', 421)
  assert.match(last, /^421 4\.7\.0 /)
  await client.closed()
  assert.equal(institute.mails.length, 1)
})

test('DATA behind refused recipients only is refused', async () => {
  await using client = await openSession(relay)
  await client.send(
    'MAIL FROM:<s@sender.example>\r\nRCPT TO:<no3@inst.example>\r\nRCPT TO:<no4@inst.example>\r\nDATA\r\n',
  )
  const replies = await client.readReplies(4)
  assert.deepEqual(
    replies.map((reply) => reply.slice(0, 3)),
    ['250', '550', '550', '554'],
  )
  assert.equal(institute.mails.length, 1)
})

test('a domain that is not served gets 550 5.7.1, and no institute is asked', async () => {
  const sent = await sendOneMail(relay, { to: 'x@elsewhere.example' })
  assert.match(sent.recipients[0] ?? '', /^550 5\.7\.1 .*elsewhere\.example is not served here/)
  assert.ok(institute.commandTexts.every((text) => !text.includes('elsewhere.example')))
})
