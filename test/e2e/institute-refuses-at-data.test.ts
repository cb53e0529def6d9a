// A domain whose server refuses content gets its mails in transactions of their own, so that the refusal
// reaches the sender and nobody's mail goes to the hold for it.

import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { startInstituteServer, type InstituteServer } from '../../demo/institute-server.ts'
import { startRelay, type TestRelay } from '../support/relay.ts'
import { endpointOf, sendOneMail, until } from './support/mail.ts'
import { contentNamed, fatesOf, makeKnown, quick } from './support/outage.ts'

const strictTo = 'a@strict.example'
const besideTo = 'b@beside.example'
const otherTo = 'c@other.example'

let strict: InstituteServer
let other: InstituteServer
let relay: TestRelay

before(async () => {
  strict = await startInstituteServer({
    mailboxes: [strictTo, besideTo],
    filter: ({ headerText }) => (headerText.includes('bad') ? '554 5.7.1 Spam' : undefined),
  })
  other = await startInstituteServer({ mailboxes: [otherTo] })
  relay = await startRelay({
    domains: [
      { domain: 'strict.example', to: endpointOf(strict), refusesAtData: true },
      { domain: 'beside.example', to: endpointOf(strict) },
      { domain: 'other.example', to: endpointOf(other) },
    ],
    config: quick,
  })
})
after(async () => {
  await relay[Symbol.asyncDispose]()
  await strict.close()
  await other.close()
})

test('452 4.5.3 for recipients of another route, whichever comes first', async () => {
  for (const to of [
    [strictTo, otherTo],
    [otherTo, strictTo],
    [besideTo, otherTo, strictTo],
  ]) {
    const sent = await sendOneMail(relay, { to })
    const codes = sent.recipients.map((reply) => reply.slice(0, 9))
    assert.equal(codes.at(-1), '452 4.5.3', `${to.join()}: ${codes.join()}`.slice(0, 300))
    assert.match(sent.final ?? '', /^250 /)
  }
  // The same server has one word for all of a mail.
  const same = await sendOneMail(relay, { to: [strictTo, besideTo] })
  assert.deepEqual(
    same.recipients.map((reply) => reply.slice(0, 3)),
    ['250', '250'],
  )
})

test('the refusal reaches the sender, and nothing goes to the hold', async () => {
  const content = contentNamed('bad')
  const sent = await sendOneMail(relay, { to: [strictTo, otherTo], content })
  assert.match(sent.recipients[1] ?? '', /^452 4\.5\.3 /)
  assert.match(sent.final ?? '', /^554 5\.7\.1 .*Spam/)
  const again = await sendOneMail(relay, { to: otherTo, content })
  assert.match(again.final ?? '', /^250 /)
  assert.deepEqual(fatesOf(relay), [])
})

test('an outage: taken over as everywhere; what is refused then is in the hold', async () => {
  await makeKnown(relay, [strictTo])
  await strict.pause()
  const good = await sendOneMail(relay, { to: strictTo, content: contentNamed('good') })
  const bad = await sendOneMail(relay, { to: strictTo, content: contentNamed('bad') })
  assert.match(good.final ?? '', /^250 /)
  assert.match(bad.final ?? '', /^250 /)
  await strict.resume()
  await until(() => fatesOf(relay).join() === `${strictTo}: refused`, 20_000)
  assert.ok(strict.mails.some(({ headerText }) => headerText.includes('Subject: good')))
})
