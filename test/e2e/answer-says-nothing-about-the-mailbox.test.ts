// Only a refusal of that very recipient may become a 550. Everything else is temporary.

import assert from 'node:assert/strict'
import { after, before, beforeEach, test } from 'node:test'
import { startInstituteServer, type InstituteServer } from '../../demo/institute-server.ts'
import { startRelay, type TestRelay } from '../support/relay.ts'
import { endpointOf, impatient, rcptCount, sendOneMail } from './support/mail.ts'

let institute: InstituteServer
let relay: TestRelay
let addressCount = 0

before(async () => {
  institute = await startInstituteServer({ mailboxes: 'all' })
  relay = await startRelay({
    domains: [{ domain: 'inst.example', to: endpointOf(institute) }],
    config: impatient,
  })
})
beforeEach(async () => {
  // No connection of the test before may answer for this one.
  await institute.pause('drop')
  institute.setScript({ replies: {}, stageReplies: {} })
  await institute.resume()
  institute.clear()
})
after(async () => {
  await relay[Symbol.asyncDispose]()
  await institute.close()
})

function newAddress(): string {
  addressCount += 1
  return `user${addressCount}@inst.example`
}

const rcptReplies: readonly (readonly [string, RegExp])[] = [
  ['450 4.2.0 Greylisted', /^450 4\.2\.0 .*127\.0\.0\.1 says: 450 4\.2\.0 Greylisted/],
  ['451 4.3.0 Later', /^451 4\.3\.0 /],
  ['452 4.2.2 Over quota', /^452 4\.2\.2 /],
  ['552 5.2.2 Mailbox full', /^452 4\.2\.2 .*says: 552 5\.2\.2 Mailbox full/],
  ['550 5.7.1 Access denied', /^451 4\.7\.1 .*says: 550 5\.7\.1 Access denied/],
  ['554 5.7.1 Relay access denied', /^451 4\.7\.1 /],
  ['550 relaying denied', /^451 4\.7\.1 /],
  ['252 2.1.5 Cannot verify', /^451 4\.4\.1 /],
  ['421 4.7.0 Too many', /^451 4\.4\.1 /],
  ['503 5.5.1 MAIL first', /^451 /],
]

for (const [reply, wanted] of rcptReplies) {
  test(`RCPT: ${reply}`, async () => {
    const address = newAddress()
    institute.setScript({ replies: { [address]: reply } })
    const sent = await sendOneMail(relay, { to: address })
    assert.match(sent.recipients[0] ?? '', wanted)
    assert.equal(institute.mails.length, 0)
    // And it works as soon as the institute says yes.
    institute.setScript({ replies: {} })
    assert.match((await sendOneMail(relay, { to: address })).final ?? '', /^250 /)
    assert.equal(institute.mails.length, 1)
  })
}

for (const stage of ['banner', 'ehlo', 'mail'] as const) {
  for (const reply of ['554 5.7.1 Go away', '550 5.1.1 User unknown', '450 4.7.1 Not now']) {
    test(`${stage}: ${reply} is temporary for every recipient`, async () => {
      institute.setScript({ stageReplies: { [stage]: reply } })
      const address = newAddress()
      const sent = await sendOneMail(relay, { to: address })
      assert.match(sent.recipients[0] ?? '', /^451 4\.4\.1 /)
      assert.equal(institute.mails.length, 0)
    })
  }
}

for (const stage of ['banner', 'ehlo', 'mail', 'data'] as const) {
  test(`${stage}: a refusal at hand-over is temporary`, async () => {
    const address = newAddress()
    await sendOneMail(relay, { to: address })
    await institute.pause('drop')
    await institute.resume()
    institute.clear()
    institute.setScript({ stageReplies: { [stage]: '550 5.1.1 User unknown' } })
    const sent = await sendOneMail(relay, { to: address })
    assert.match(sent.recipients[0] ?? '', /^250 /)
    assert.match(sent.final ?? '', /^451 4\.4\.1 /)
    assert.equal(institute.mails.length, 0)
    institute.setScript({ stageReplies: {} })
    assert.match((await sendOneMail(relay, { to: address })).final ?? '', /^250 /)
    assert.equal(institute.mails.length, 1)
  })
}

test('a recipient known to be good is not asked for again', async () => {
  const address = newAddress()
  await sendOneMail(relay, { to: address })
  assert.equal(rcptCount(institute, address), 2) // the question and the delivery
  await sendOneMail(relay, { to: address })
  assert.equal(rcptCount(institute, address), 3)
  assert.equal(institute.mails.length, 2)
})
