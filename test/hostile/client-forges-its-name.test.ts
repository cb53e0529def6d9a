// Clients whose address has no name in the DNS, or the name of somebody else, or one of a dial-up line.
// They hear why; the institute hears nothing of them. A DNS that does not answer never refuses anybody.

import assert from 'node:assert/strict'
import { writeFile } from 'node:fs/promises'
import path from 'node:path'
import { after, before, beforeEach, test } from 'node:test'
import { openSession, until } from '../e2e/support/mail.ts'
import type { Zone } from '../support/dns-server.ts'
import { answerTo, changeRules, reload, sendFrom, startRuled } from './support/ruled-relay.ts'
import type { RuledRelay } from './support/ruled-relay.ts'

const good = '127.1.1.7'
const forged = '127.1.1.8'
const nameless = '127.1.1.9'
const dialUp = '127.1.1.14'

const zone: Zone = {
  '7.1.1.127.in-addr.arpa': { ptr: ['mail.good.example'] },
  'mail.good.example': { a: [good] },
  '8.1.1.127.in-addr.arpa': { ptr: ['mail.good.example'] },
  '10.1.1.127.in-addr.arpa': 'silent',
  '11.1.1.127.in-addr.arpa': 'servfail',
  '12.1.1.127.in-addr.arpa': { ptr: ['sick.example'] },
  'sick.example': { a: 'servfail', aaaa: ['::1'] },
  '13.1.1.127.in-addr.arpa': {
    ptr: Array.from({ length: 10 }, (_, index) => `n${index}.many.example`),
  },
  '14.1.1.127.in-addr.arpa': { ptr: ['dyn-127-1-1-14.dsl.provider.example'] },
  'dyn-127-1-1-14.dsl.provider.example': { a: [dialUp] },
  '15.1.1.127.in-addr.arpa': { ptr: ['evil\r\n250 Ok.example'] },
}

const strict = {
  reverseDnsMissing: 'reject',
  reverseDnsInconsistent: 'reject',
  dynamicAddress: 'defer',
}

let ruled: RuledRelay
before(async () => {
  ruled = await startRuled(zone, strict)
})
beforeEach(() => {
  ruled.institute.clear()
})
after(() => ruled[Symbol.asyncDispose]())

async function assertServed(address: string = good): Promise<void> {
  assert.match(await answerTo(ruled, address, { to: 'a@inst.example' }), /^250 /)
}

function assertInstituteUntouched(): void {
  assert.equal(ruled.institute.mails.length, 0)
  const asked = ruled.institute.commandTexts.filter((text) => text.startsWith('RCPT'))
  assert.deepEqual(asked, [])
}

test('the name of somebody else: 550 5.7.25, and the institute is not asked', async () => {
  const reply = await answerTo(ruled, forged, { to: 'b@inst.example' })
  assert.match(reply, /^550 5\.7\.25 .*127\.1\.1\.8 is called mail\.good\.example .*not lead to it/)
  assertInstituteUntouched()
  await assertServed()
})

test('no name at all: 550 5.7.25 says which record is missing', async () => {
  const reply = await answerTo(ruled, nameless, { to: 'b@inst.example' })
  assert.match(reply, /^550 5\.7\.25 .*127\.1\.1\.9 has no name in the DNS \(PTR record\)/)
  assertInstituteUntouched()
  await assertServed()
})

test('the name of a dial-up line: 450 4.7.1 names the way out', async () => {
  const reply = await answerTo(ruled, dialUp, { to: 'b@inst.example' })
  assert.match(reply, /^450 4\.7\.1 .*looks like a dynamic address.*provider's mail server/)
  assertInstituteUntouched()
})

for (const [address, what] of [
  ['127.1.1.10', 'a name server that is silent'],
  ['127.1.1.11', 'SERVFAIL for the name'],
  ['127.1.1.12', 'SERVFAIL for the address of the name'],
  ['127.1.1.15', 'a name that is none'],
] as const) {
  test(`${what} refuses nobody`, async () => {
    await assertServed(address)
    assert.equal(ruled.institute.mails.length, 1)
  })
}

test('ten names keep nobody busy: four are looked at', async () => {
  const before = ruled.dns.queries.length
  const reply = await answerTo(ruled, '127.1.1.13', { to: 'b@inst.example' })
  assert.match(reply, /^550 5\.7\.25 /)
  const asked = ruled.dns.queries.slice(before).filter(({ name }) => name.endsWith('many.example'))
  assert.equal(asked.length, 4)
  assertInstituteUntouched()
})

test('a pipelined group gets an answer each, for one look into the DNS', async () => {
  await using client = await openSession(ruled.relay, { localAddress: '127.1.2.9' })
  const before = ruled.dns.queries.length
  const recipients = ['a', 'b', 'c', 'd'].map((local) => `RCPT TO:<${local}@inst.example>\r\n`)
  await client.send(`MAIL FROM:<s@sender.example>\r\n${recipients.join('')}DATA\r\n`)
  await client.expect(250)
  for (const _ of recipients) await client.expect(/^550 5\.7\.25 /)
  await client.expect(/^554 /)
  const asked = ruled.dns.queries.slice(before).filter(({ type }) => type === 'PTR')
  assert.equal(asked.length, 1)
  assertInstituteUntouched()
})

test('pforte explain says so beforehand, and asks the institute nothing', async () => {
  const envelope = ['--from', 's@sender.example', '--to', 'new@inst.example']
  const explain = async (client: string): Promise<{ exitCode: number | null; stdout: string }> =>
    await ruled.relay.pforte('explain', '--client', client, ...envelope)
  const refused = await explain(forged)
  assert.equal(refused.exitCode, 1)
  assert.match(refused.stdout, /^rules +reverse-dns-inconsistent: 550 5\.7\.25 your address/m)
  assertInstituteUntouched()
  assert.match((await explain(good)).stdout, /^rules +none objects$/m)
})

test('postmaster hears of whoever is refused by mistake', async () => {
  for (const to of ['postmaster@inst.example', 'Postmaster@open.example', 'postmaster']) {
    assert.match(await answerTo(ruled, forged, { to }), /^250 /, to)
  }
  assert.equal(ruled.institute.mails.length, 3)
})

test('a refusal of one mail is not held against the next session', async () => {
  for (let attempt = 0; attempt < 3; attempt += 1) {
    assert.match(await answerTo(ruled, forged, { to: 'b@inst.example' }), /^550 5\.7\.25 /)
  }
  await assertServed()
})

test('exceptions: read with SIGHUP; a broken list changes nothing', async () => {
  const file = path.join(ruled.relay.folder, 'exceptions')
  await writeFile(file, 'client 127.1.1.9\nrecipient open.example reverse-dns-inconsistent\n')
  await changeRules(ruled, { ...strict, exceptions: file })
  await assertServed(nameless)
  assert.match(await answerTo(ruled, forged, { to: 'b@open.example' }), /^250 /)
  assert.match(await answerTo(ruled, forged, { to: 'b@inst.example' }), /^550 5\.7\.25 /)
  // The other rules go on for that domain.
  assert.match(await answerTo(ruled, dialUp, { to: 'b@open.example' }), /^450 4\.7\.1 /)

  await writeFile(file, 'client 127.1.1.0/24 everything\n')
  ruled.relay.signal('SIGHUP')
  const failed = await ruled.relay.waitForEvent(({ event }) => event === 'exceptions-failed')
  assert.match(String(failed['detail']), /line 1: no rule is called everything/)
  await assertServed(nameless)

  // Only the owner of a name can make it lead to the address.
  await writeFile(file, 'client good.example\n')
  await reload(ruled.relay)
  await until(() => ruled.relay.events('exceptions-reloaded').length === 2)
  assert.match(await answerTo(ruled, nameless, { to: 'a@inst.example' }), /^550 /)
  assert.match(await answerTo(ruled, forged, { to: 'a@inst.example' }), /^550 /)
  await assertServed()
})

test('observed rules refuse nobody and tell once a mail what they would have done', async () => {
  await changeRules(ruled, { reverseDnsInconsistent: 'observe', dnsFailure: 'defer' })
  const before = ruled.relay.events('rule-observed').length
  const { recipients, final } = await sendFrom(ruled, forged, {
    to: ['a@inst.example', 'b@inst.example'],
  })
  assert.deepEqual(
    [...recipients, final].map((reply) => reply?.slice(0, 4)),
    ['250 ', '250 ', '250 '],
  )
  await assertServed('127.1.1.11')
  await until(() => ruled.relay.events('rule-observed').length >= before + 2)
  const [first, second, ...more] = ruled.relay.events('rule-observed').slice(before)
  assert.equal(first?.['reason'], 'reverse-dns-inconsistent')
  assert.equal(first?.['recipient'], 'a@inst.example')
  assert.equal(first?.['clientName'], 'mail.good.example')
  assert.equal(second?.['reason'], 'dns-failed')
  assert.deepEqual(more, [])
})

test('with `dnsFailure: defer` no answer is temporary, never more', async () => {
  await changeRules(ruled, { ...strict, dnsFailure: 'defer' })
  for (const address of ['127.1.1.10', '127.1.1.11', '127.1.1.12']) {
    assert.match(await answerTo(ruled, address, { to: 'b@inst.example' }), /^451 4\.4\.3 /, address)
  }
  assertInstituteUntouched()
  await assertServed()
})

test('rules that are off look nothing up', async () => {
  await changeRules(ruled, {})
  const before = ruled.dns.queries.length
  await assertServed('127.1.3.1')
  assert.equal(ruled.dns.queries.length, before)
})
