// Every way to write a recipient that some server takes for a place it does not serve. The institute's server
// trusts the relay, so it would send such mail on: it must not even be asked.

import assert from 'node:assert/strict'
import { after, before, beforeEach, test } from 'node:test'
import { openSession, sendMail } from '../e2e/support/mail.ts'
import {
  assertOnlyNextIsServed,
  openProtocolSite,
  type ProtocolSite,
} from './support/protocol-site.ts'

let site: ProtocolSite
before(async () => (site = await openProtocolSite({ limits: { maxErrors: 1000 } })))
beforeEach(() => site.institute.clear())
after(() => site[Symbol.asyncDispose]())

/** Each is refused with that reply, the institute hears of none, and nothing is left to send. */
async function assertRefused(recipients: readonly string[], wanted: RegExp): Promise<void> {
  await using client = await openSession(site.relay)
  await client.command('MAIL FROM:<s@sender.example> SMTPUTF8', 250)
  for (const recipient of recipients) await client.command(`RCPT TO:${recipient}`, wanted)
  await client.command('DATA', /^554 5\.5\.1 No valid recipients/)
  assert.deepEqual(site.institute.commandTexts, [])
  await assertOnlyNextIsServed(site, 0)
}

test('the percent hack', async () => {
  await assertRefused(
    [
      '<bob%bank.example@inst.example>',
      '<bob%bank.example%inst.example@inst.example>',
      '<%@inst.example>',
      '<"bob%bank.example"@inst.example>',
      '<bob%bank.example@INST.example.>',
    ],
    /^550 5\.7\.1 /,
  )
})

test('bang paths', async () => {
  await assertRefused(
    [
      '<bank.example!bob@inst.example>',
      '<a!b!c@inst.example>',
      '<"bank.example!bob"@inst.example>',
    ],
    /^550 5\.7\.1 /,
  )
})

test('an address in quotes', async () => {
  await assertRefused(
    [
      '<"bob@bank.example"@inst.example>',
      '<"@bank.example:bob"@inst.example>',
      '<"bob\\@bank.example"@inst.example>',
      '<"<bob@bank.example>"@inst.example>',
    ],
    /^550 5\.7\.1 /,
  )
})

test('signs that only look like %, ! and @ but become them', async () => {
  await assertRefused(
    [
      '<bob\uff05bank.example@inst.example>',
      '<bank.example\uff01bob@inst.example>',
      '<bob\uff20bank.example@inst.example>',
      '<bob\ufe6bbank.example@inst.example>',
    ],
    /^550 5\.7\.1 /,
  )
})

test('two domains', async () => {
  await assertRefused(
    [
      '<bob@bank.example@inst.example>',
      '<bob@inst.example@bank.example>',
      '<bob@inst.example,eve@bank.example>',
      '<bob@bank.example:inst.example>',
    ],
    /^5\d\d 5\.[17]\./,
  )
})

test('other ways to end the domain', async () => {
  await assertRefused(
    [
      '<bob@bank.example#inst.example>',
      '<bob@bank.example\\.inst.example>',
      '<bob@bank.example/inst.example>',
      '<bob@bank.example?.inst.example>',
      '<bob@bank.example%20.inst.example>',
      '<bob@inst.example:25>',
      '<bob@inst.example..>',
      '<bob@.inst.example>',
      '<bob@>',
      '<@inst.example>',
    ],
    /^(?:501|550) 5\.[17]\./,
  )
})

test('source routes lead nowhere else: what counts is the last address', async () => {
  await assertRefused(
    [
      '<@inst.example:bob@bank.example>',
      '<@inst.example,@mailrelay1.example.org:bob@bank.example>',
      '<@inst.example:@bank.example:bob@x.example>',
      '<@inst.example:bob%bank.example@inst.example>',
      '<@bank.example>',
    ],
    /^5\d\d 5\.[17]\./,
  )
  site.institute.clear()
  await using client = await openSession(site.relay)
  const { final } = await sendMail(client, { to: '@bank.example,@x.example:a@inst.example' })
  assert.match(final ?? '', /^250 /)
  assert.deepEqual(site.institute.mails[0]?.recipients, ['a@inst.example'])
})

test('address literals and the relay itself', async () => {
  await assertRefused(
    [
      '<bob@[127.0.0.1]>',
      '<bob@[IPv6:::1]>',
      '<bob@127.0.0.1>',
      '<bob@localhost>',
      '<bob@mailrelay1.example.org>',
      '<postmaster@bank.example>',
      '<bob@inst>',
      '<bob@sub.inst.example>',
      '<bob@inst.example.bank.example>',
    ],
    /^5\d\d 5\.[17]\./,
  )
})

test('a domain that only looks like a served one', async () => {
  await assertRefused(
    ['<bob@\u0131nst.example>', '<bob@inst\u3002bank.example>', '<bob@\u2139nst.bank.example>'],
    /^5\d\d 5\.[17]\./,
  )
})

test('what looks a little like a route and is none is left to the server', async () => {
  await using client = await openSession(site.relay)
  for (const to of [
    'list+bob=bank.example@inst.example',
    'prvs=123=bob@inst.example',
    '"a b"@inst.example',
    'a/b@inst.example',
    'a#b@inst.example',
  ]) {
    const { final } = await sendMail(client, { to })
    assert.match(final ?? '', /^250 /, to)
    assert.deepEqual(site.institute.mails.at(-1)?.recipients, [to])
  }
})

test('smtp.routedRecipients: accept leaves them to the server, and still serves nobody else', async () => {
  await using other = await openProtocolSite({ smtp: { routedRecipients: 'accept' } })
  await using client = await openSession(other.relay)
  const { recipients, final } = await sendMail(client, {
    to: ['bob%bank.example@inst.example', 'bob%inst.example@bank.example'],
  })
  assert.match(recipients[1] ?? '', /^550 5\.7\.1 /)
  assert.match(final ?? '', /^250 /)
  assert.deepEqual(other.institute.mails[0]?.recipients, ['bob%bank.example@inst.example'])
})
