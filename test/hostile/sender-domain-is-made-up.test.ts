// Reverse-paths nobody can answer to: domains that do not exist, that say they take no mail, or that have
// nothing. What the DNS does not answer is not held against anybody.

import assert from 'node:assert/strict'
import { after, before, beforeEach, test } from 'node:test'
import { openSession, sendMail } from '../e2e/support/mail.ts'
import type { Zone } from '../support/dns-server.ts'
import { answerTo, startRuled, type RuledRelay } from './support/ruled-relay.ts'

const client = '127.2.1.1'

const zone: Zone = {
  'sender.example': { mx: [[10, 'mail.sender.example']] },
  'a-only.example': { a: ['192.0.2.7'] },
  'aaaa-only.example': { aaaa: ['2001:db8::7'] },
  'null.example': { mx: [[0, '']], a: ['192.0.2.7'] },
  'empty.example': {},
  'sick.example': 'servfail',
  'silent.example': 'silent',
  'half.example': { a: 'servfail' },
  'alias.example': { cname: 'sender.example' },
  'loop.example': { cname: 'loop.example' },
}

const strict = { senderDomainMissing: 'reject', senderNullMx: 'reject' }

let ruled: RuledRelay
before(async () => {
  ruled = await startRuled(zone, strict)
})
beforeEach(() => {
  ruled.institute.clear()
})
after(() => ruled[Symbol.asyncDispose]())

const refused: readonly (readonly [from: string, reply: RegExp])[] = [
  ['s@nowhere.example', /^550 5\.1\.8 .*sender's domain nowhere\.example has no MX or address/],
  ['s@empty.example', /^550 5\.1\.8 /],
  ['s@sub.sender.example', /^550 5\.1\.8 /],
  ['s@null.example', /^550 5\.7\.27 .*null\.example takes no mail \(null MX, RFC 7505\)/],
]

for (const [from, reply] of refused) {
  test(`${from} is refused, and the institute is not asked`, async () => {
    assert.match(await answerTo(ruled, client, { from, to: 'b@inst.example' }), reply)
    assert.deepEqual(
      ruled.institute.commandTexts.filter((text) => text.startsWith('RCPT')),
      [],
    )
    // The next mail is not concerned.
    assert.match(await answerTo(ruled, client, { to: 'a@inst.example' }), /^250 /)
    assert.equal(ruled.institute.mails.length, 1)
  })
}

const taken: readonly string[] = [
  's@sender.example',
  's@SENDER.example',
  's@a-only.example',
  's@aaaa-only.example',
  's@alias.example',
  's@sick.example',
  's@silent.example',
  's@half.example',
  's@loop.example',
  's@[192.0.2.7]',
  '',
]

for (const from of taken) {
  test(`<${from}> is not refused`, async () => {
    assert.match(await answerTo(ruled, client, { from, to: 'a@inst.example' }), /^250 /)
    assert.equal(ruled.institute.mails.length, 1)
  })
}

test('MAIL is taken and each RCPT refused, after one look into the DNS', async () => {
  await using session = await openSession(ruled.relay, { localAddress: client })
  const before = ruled.dns.queries.length
  const to = ['a@inst.example', 'b@inst.example', 'c@open.example']
  const sent = await sendMail(session, { from: 's@other-nowhere.example', to })
  assert.match(sent.mail, /^250 /)
  assert.equal(sent.recipients.length, 3)
  for (const reply of sent.recipients) assert.match(reply, /^550 5\.1\.8 /)
  const asked = ruled.dns.queries.slice(before).map(({ type }) => type)
  assert.deepEqual(asked, ['MX'])
  // The same session sends a good mail.
  const next = await sendMail(session, { to: 'a@inst.example' })
  assert.match(next.final ?? '', /^250 /)
})

test('a domain that is not served stays refused, whoever sends', async () => {
  const reply = await answerTo(ruled, client, { from: 's@nowhere.example', to: 'x@other.example' })
  assert.match(reply, /^550 5\.7\.1 .*relaying denied/)
})

test('postmaster hears of it', async () => {
  const mail = { from: 's@nowhere.example', to: 'postmaster@inst.example' }
  assert.match(await answerTo(ruled, client, mail), /^250 /)
})
