// SMTPUTF8 (RFC 6531) and internationalised domains.

import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { startInstituteServer, type InstituteServer } from '../../demo/institute-server.ts'
import { startRelay, type TestRelay } from '../support/relay.ts'
import { endpointOf, openSession, sendOneMail } from './support/mail.ts'

let modern: InstituteServer
let old: InstituteServer
let relay: TestRelay

before(async () => {
  modern = await startInstituteServer()
  old = await startInstituteServer({ extensions: { smtpUtf8: false, eightBitMime: false } })
  relay = await startRelay({
    domains: [
      { domain: 'modern.example', to: endpointOf(modern) },
      { domain: 'bücher.example', to: endpointOf(modern) },
      { domain: 'old.example', to: endpointOf(old) },
    ],
  })
})
after(async () => {
  await relay[Symbol.asyncDispose]()
  await modern.close()
  await old.close()
})

const parameters = ' BODY=8BITMIME SMTPUTF8'

test('an SMTPUTF8 mail arrives as one', async () => {
  const content = 'Subject: Grüße\r\n\r\nÄ line\r\n'
  const from = 'jürgen@sender.example'
  const sent = await sendOneMail(relay, { from, to: 'döner@modern.example', parameters, content })
  assert.match(sent.final ?? '', /^250 /)
  const mail = modern.mails.at(-1)
  assert.equal(mail?.reversePath, from)
  assert.deepEqual(mail?.recipients, ['döner@modern.example'])
  assert.match(mail?.mailParameters ?? '', /SMTPUTF8/)
  assert.match(mail?.mailParameters ?? '', /BODY=8BITMIME/)
  assert.match(mail?.headerText ?? '', / with UTF8SMTP id /)
  assert.equal(mail?.wire?.toString().endsWith(`${content}.\r\n`), true)
})

test('a server without SMTPUTF8: 553 5.6.7 at RCPT, and nothing is sent', async () => {
  for (const to of ['known@old.example', 'döner@old.example']) {
    const sent = await sendOneMail(relay, { to, parameters })
    assert.match(sent.recipients[0] ?? '', /^553 5\.6\.7 /)
  }
  assert.equal(old.mails.length, 0)
  // The recipient itself is fine, and now remembered: the answer to an SMTPUTF8 mail stays.
  assert.match((await sendOneMail(relay, { to: 'known@old.example' })).final ?? '', /^250 /)
  const sent = await sendOneMail(relay, { to: 'known@old.example', parameters })
  assert.match(sent.recipients[0] ?? '', /^553 5\.6\.7 /)
  assert.equal(old.mails.length, 1)
})

test('8-bit content goes to a server without 8BITMIME as it is', async () => {
  const content = 'Subject: x\r\n\r\nÄ line\r\n'
  const sent = await sendOneMail(relay, {
    to: 'known@old.example',
    parameters: ' BODY=8BITMIME',
    content,
  })
  assert.match(sent.final ?? '', /^250 /)
  assert.doesNotMatch(old.mails.at(-1)?.mailParameters ?? '', /BODY/)
  assert.equal(old.mails.at(-1)?.wire?.toString().endsWith(`${content}.\r\n`), true)
})

test('a UTF-8 address without SMTPUTF8 is refused', async () => {
  const mailCount = modern.mails.length
  await using client = await openSession(relay)
  await client.command('MAIL FROM:<s@sender.example>', 250)
  await client.command('RCPT TO:<döner@modern.example>', /^553 5\.6\.7 /)
  assert.equal(modern.mails.length, mailCount)
})

test('an internationalised domain is found by its A-label, in any case', async () => {
  for (const [to, more] of [
    ['x@xn--bcher-kva.example', ''],
    ['x@XN--BCHER-KVA.Example', ''],
    ['x@bücher.example', parameters],
    ['x@BÜCHER.example', parameters],
  ] as const) {
    const sent = await sendOneMail(relay, { to, parameters: more })
    assert.match(sent.final ?? '', /^250 /, to)
    assert.match(modern.mails.at(-1)?.recipients[0] ?? '', /^x@(xn--bcher-kva|bücher)\.example$/i)
  }
})
