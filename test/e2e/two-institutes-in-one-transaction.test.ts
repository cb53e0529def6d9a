// Institutes that take any recipient are not believed in an outage: what they miss, the client brings again.

import assert from 'node:assert/strict'
import { after, before, beforeEach, test } from 'node:test'
import { startInstituteServer, type InstituteServer } from '../../demo/institute-server.ts'
import { startRelay, type TestRelay } from '../support/relay.ts'
import { endpointOf, impatient, sendOneMail } from './support/mail.ts'

const letters = ['a', 'b', 'c'] as const
const everybody = ['x@a.example', 'y@a.example', 'x@b.example', 'x@c.example']
let institutes: readonly InstituteServer[]
let relay: TestRelay

before(async () => {
  institutes = await Promise.all(letters.map(() => startInstituteServer({ mailboxes: 'all' })))
  relay = await startRelay({
    domains: institutes.map((institute, index) => ({
      domain: `${letters[index]}.example`,
      to: endpointOf(institute),
    })),
    config: impatient,
  })
})
beforeEach(() => {
  for (const institute of institutes) {
    institute.clear()
    institute.setScript({ stageReplies: {} })
  }
})
after(async () => {
  await relay[Symbol.asyncDispose]()
  for (const institute of institutes) await institute.close()
})

function mailCounts(): readonly number[] {
  return institutes.map((institute) => institute.mails.length)
}

test('all take it: each gets its own recipients', async () => {
  const sent = await sendOneMail(relay, { to: everybody })
  assert.match(sent.final ?? '', /^250 2\.0\.0 Ok: .*says: 250.*; .*says: 250/)
  assert.deepEqual(
    institutes.map((institute) => institute.mails.map((mail) => mail.recipients)),
    [[['x@a.example', 'y@a.example']], [['x@b.example']], [['x@c.example']]],
  )
})

test('one refuses, the others have it: its recipients go to the hold', async () => {
  institutes[1]?.setScript({ stageReplies: { final: '550 5.7.1 Spam' } })
  const sent = await sendOneMail(relay, { to: everybody })
  assert.match(sent.final ?? '', /^250 2\.0\.0 Ok: \S+ taken over$/)
  await relay.waitForEvent(
    ({ event, recipients }) => event === 'alert-raised' && String(recipients) === 'x@b.example',
  )
  assert.deepEqual(mailCounts(), [1, 0, 1])
})

test('one is down: the retry goes only where the mail is missing', async () => {
  const content = 'Subject: one is down\r\n\r\nText.\r\n'
  await institutes[1]?.pause()
  const sent = await sendOneMail(relay, { to: everybody, content })
  assert.match(sent.final ?? '', /^451 4\.4\.1 <x@b\.example>: /)
  assert.deepEqual(mailCounts(), [1, 0, 1])
  await institutes[1]?.resume()
  const retry = await sendOneMail(relay, { to: everybody, content })
  assert.match(retry.final ?? '', /^250 /)
  assert.deepEqual(mailCounts(), [1, 1, 1])
})

test('two are down and come back one by one: nobody gets it twice', async () => {
  const content = 'Subject: two are down\r\n\r\nText.\r\n'
  await institutes[1]?.pause()
  await institutes[2]?.pause()
  assert.match((await sendOneMail(relay, { to: everybody, content })).final ?? '', /^451 /)
  assert.deepEqual(mailCounts(), [1, 0, 0])
  await institutes[1]?.resume()
  assert.match((await sendOneMail(relay, { to: everybody, content })).final ?? '', /^451 /)
  assert.deepEqual(mailCounts(), [1, 1, 0])
  await institutes[2]?.resume()
  assert.match((await sendOneMail(relay, { to: everybody, content })).final ?? '', /^250 /)
  assert.deepEqual(mailCounts(), [1, 1, 1])
})

test('one refuses for good and one is down: the client is told to come back, then the hold takes the rest', async () => {
  const content = 'Subject: refused and down\r\n\r\nText.\r\n'
  institutes[0]?.setScript({ stageReplies: { final: '554 5.6.0 No' } })
  await institutes[1]?.pause()
  const sent = await sendOneMail(relay, { to: everybody, content })
  assert.match(sent.final ?? '', /^451 /)
  assert.deepEqual(mailCounts(), [0, 0, 1])
  await institutes[1]?.resume()
  const retry = await sendOneMail(relay, { to: everybody, content })
  assert.match(retry.final ?? '', /^250 2\.0\.0 Ok: \S+ taken over$/)
  assert.deepEqual(mailCounts(), [0, 1, 1])
})
