// Size: what is announced too large is refused before it is sent, what turns out too large after it, and
// what is large but allowed goes through a file that does not stay.

import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { readdir } from 'node:fs/promises'
import { after, before, test } from 'node:test'
import { startInstituteServer, type InstituteServer } from '../../demo/institute-server.ts'
import { startRelay, type TestRelay } from '../support/relay.ts'
import { endpointOf, sendOneMail, until } from './support/mail.ts'

let institute: InstituteServer
let relay: TestRelay

before(async () => {
  institute = await startInstituteServer({ mailboxes: 'all' })
  relay = await startRelay({
    domains: [
      { domain: 'inst.example', to: endpointOf(institute) },
      { domain: 'small.example', to: endpointOf(institute), maxSize: '100KiB' },
    ],
    config: { limits: { maxMessage: '6MiB' } },
  })
})
after(async () => {
  await relay[Symbol.asyncDispose]()
  await institute.close()
})

const header = 'From: s@sender.example\r\nSubject: large\r\n\r\n'
const bodyOf = (bytes: number): string => `${'x'.repeat(76)}\r\n`.repeat(Math.floor(bytes / 78))

test('5 MiB arrive as they were sent, and no file is left', async () => {
  const body = bodyOf(5 * 1024 ** 2)
  const sent = await sendOneMail(relay, { to: 'a@inst.example', content: header + body })
  assert.match(sent.final ?? '', /^250 /)
  const received = institute.mails.at(-1)?.content?.toString('latin1') ?? ''
  const hash = (text: string): string => createHash('sha256').update(text).digest('hex')
  assert.equal(hash(received.slice(received.indexOf('\r\n\r\n') + 4)), hash(body))
  await until(async () => (await readdir(`${relay.folder}/state/spool/incoming`)).length === 0)
})

test('a declared size above the limit: 552 at MAIL, above the domain’s: 552 at RCPT', async () => {
  const tooLarge = await sendOneMail(relay, { to: 'a@inst.example', parameters: ' SIZE=7000000' })
  assert.match(tooLarge.mail, /^552 5\.3\.4 /)
  const here = await sendOneMail(relay, {
    to: ['a@small.example', 'a@inst.example'],
    parameters: ' SIZE=200000',
  })
  assert.match(here.recipients[0] ?? '', /^552 5\.3\.4 .*102400 bytes/)
  assert.match(here.recipients[1] ?? '', /^250 /)
})

test('content above the limit: 552 after its end, nothing delivered, the session goes on', async () => {
  const count = institute.mails.length
  const sent = await sendOneMail(relay, {
    to: 'a@inst.example',
    content: header + bodyOf(7 * 1024 ** 2),
  })
  assert.match(sent.final ?? '', /^552 5\.3\.4 .*6291456 bytes/)
  const small = await sendOneMail(relay, {
    to: 'a@small.example',
    content: header + bodyOf(150 * 1024),
  })
  assert.match(small.final ?? '', /^552 5\.3\.4 .*102400 bytes/)
  assert.equal(institute.mails.length, count)
})

test('without a declared size, other limits need a mail of their own', async () => {
  const sent = await sendOneMail(relay, { to: ['a@inst.example', 'a@small.example'] })
  assert.match(sent.recipients[1] ?? '', /^452 4\.5\.3 .*small\.example/)
  assert.match(sent.final ?? '', /^250 /)
})

test('fifty Received fields are a loop', async () => {
  const count = institute.mails.length
  const content = `${'Received: from x by y\r\n'.repeat(50)}Subject: round\r\n\r\nround\r\n`
  const sent = await sendOneMail(relay, { to: 'a@inst.example', content })
  assert.match(sent.final ?? '', /^554 5\.4\.6 .*50 Received/)
  assert.equal(institute.mails.length, count)
})

test('only Authentication-Results that bear the relay’s own name are removed', async () => {
  const content = [
    'Authentication-Results: mailrelay1.example.org;\r\n\tspf=pass smtp.mailfrom=bank.example',
    'Authentication-Results: other.example; spf=pass',
    'AUTHENTICATION-RESULTS: (comment) "MailRelay1.example.org"; dkim=pass',
    'Subject: forged',
    '',
    'Authentication-Results: mailrelay1.example.org; in the body',
    '',
  ].join('\r\n')
  const sent = await sendOneMail(relay, { to: 'a@inst.example', content })
  assert.match(sent.final ?? '', /^250 /)
  const received = institute.mails.at(-1)?.content?.toString('latin1') ?? ''
  assert.doesNotMatch(received, /bank\.example|dkim=pass/)
  assert.match(
    received,
    /\r\nAuthentication-Results: other\.example; spf=pass\r\nSubject: forged\r\n\r\nAuthentication-Results: mailrelay1/,
  )
})
