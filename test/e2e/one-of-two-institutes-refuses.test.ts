// One mail for two institutes: one takes it, the other refuses its content. What one institute has cannot
// be taken back, so the client hears 250 and the refused part waits in the hold for a human.

import assert from 'node:assert/strict'
import { after, before, beforeEach, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { startInstituteServer, type InstituteServer } from '../../demo/institute-server.ts'
import { startRelay, type TestRelay } from '../support/relay.ts'
import { endpointOf, sendOneMail } from './support/mail.ts'
import { arrivals, contentNamed, fatesOf, makeKnown, quick } from './support/outage.ts'

const to = ['x@one.example', 'x@two.example']
let one: InstituteServer
let two: InstituteServer
let relay: TestRelay

before(async () => {
  one = await startInstituteServer({ mailboxes: to })
  two = await startInstituteServer({ mailboxes: to })
  relay = await startRelay({
    domains: [
      { domain: 'one.example', to: endpointOf(one) },
      { domain: 'two.example', to: endpointOf(two) },
    ],
    config: quick,
  })
  await makeKnown(relay, to)
})
beforeEach(() => {
  one.setScript({ stageReplies: {} })
  two.setScript({ stageReplies: {} })
})
after(async () => {
  await relay[Symbol.asyncDispose]()
  await one.close()
  await two.close()
})

test('relayed and refused: 250, the refused one is held and not tried again', async () => {
  two.setScript({ stageReplies: { final: '554 5.7.1 Spam' } })
  const sent = await sendOneMail(relay, { to, content: contentNamed('spam for one') })
  assert.match(sent.final ?? '', /^250 /)
  assert.deepEqual(arrivals(one, 'spam for one'), [['x@one.example']])
  assert.deepEqual(fatesOf(relay), ['x@two.example: refused'])
  const refusedCount = two.refusedMails.length
  two.setScript({ stageReplies: {} })
  await sleep(1500)
  assert.equal(two.refusedMails.length, refusedCount)
  assert.deepEqual(arrivals(two, 'spam for one'), [])
  assert.deepEqual(fatesOf(relay), ['x@two.example: refused'])
})

test('both refuse: the client hears the refusal, nothing is kept', async () => {
  const before = fatesOf(relay)
  one.setScript({ stageReplies: { final: '554 5.7.1 Spam' } })
  two.setScript({ stageReplies: { final: '554 5.7.1 Spam' } })
  const sent = await sendOneMail(relay, { to, content: contentNamed('spam for all') })
  assert.match(sent.final ?? '', /^554 5\.7\.1 /)
  assert.deepEqual(fatesOf(relay), before)
})

test('one institute alone refuses: the client hears it, nothing is kept', async () => {
  const before = fatesOf(relay)
  two.setScript({ stageReplies: { final: '550 5.7.1 Virus' } })
  const sent = await sendOneMail(relay, { to: 'x@two.example', content: contentNamed('virus') })
  assert.match(sent.final ?? '', /^550 5\.7\.1 /)
  assert.deepEqual(fatesOf(relay), before)
})
