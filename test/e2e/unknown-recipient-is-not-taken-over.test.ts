// In an outage the relay takes responsibility for known-good recipients alone: what it does not know, and
// what the institute has said it does not have, never reaches the spool.

import assert from 'node:assert/strict'
import { after, before, beforeEach, test } from 'node:test'
import { startInstituteServer, type InstituteServer } from '../../demo/institute-server.ts'
import { startRelay, type TestRelay } from '../support/relay.ts'
import { endpointOf, sendOneMail } from './support/mail.ts'
import {
  arrivals,
  contentNamed,
  fatesOf,
  makeKnown,
  quick,
  untilDelivered,
} from './support/outage.ts'

let institute: InstituteServer
let relay: TestRelay

before(async () => {
  institute = await startInstituteServer({ mailboxes: ['known@inst.example'] })
  relay = await startRelay({
    domains: [{ domain: 'inst.example', to: endpointOf(institute) }],
    config: quick,
  })
  await makeKnown(relay, ['known@inst.example'])
})
beforeEach(async () => {
  await institute.resume()
  institute.setScript({ mailboxes: ['known@inst.example'], stageReplies: {}, replies: {} })
  await untilDelivered(relay)
  institute.clear()
})
after(async () => {
  await relay[Symbol.asyncDispose]()
  await institute.close()
})

test('never seen: 451 at RCPT', async () => {
  await institute.pause()
  const sent = await sendOneMail(relay, { to: 'never-seen@inst.example' })
  assert.match(sent.recipients[0] ?? '', /^451 4\.4\.1 /)
  assert.deepEqual(fatesOf(relay), [])
})

test('refused a moment ago: 550 at RCPT', async () => {
  assert.match((await sendOneMail(relay, { to: 'no@inst.example' })).recipients[0] ?? '', /^550 /)
  await institute.pause()
  const sent = await sendOneMail(relay, { to: 'no@inst.example' })
  assert.match(sent.recipients[0] ?? '', /^550 5\.1\.1 /)
  assert.deepEqual(fatesOf(relay), [])
})

test('one known, one not: 250 for the known one, and only that one is kept', async () => {
  await institute.pause()
  const sent = await sendOneMail(relay, {
    to: ['known@inst.example', 'never-seen@inst.example'],
    content: contentNamed('mixed'),
  })
  assert.match(sent.recipients.join('\n'), /^250 .*\n451 4\.4\.1 /)
  assert.match(sent.final ?? '', /^250 /)
  assert.deepEqual(fatesOf(relay), ['known@inst.example'])
  await institute.resume()
  await untilDelivered(relay)
  assert.deepEqual(arrivals(institute, 'mixed'), [['known@inst.example']])
})

test('the directory of the institute is away: 4yz at RCPT, nothing is kept', async () => {
  institute.setScript({ replies: { 'new@inst.example': '451 4.3.0 Directory is away' } })
  const sent = await sendOneMail(relay, { to: 'new@inst.example' })
  assert.match(sent.recipients[0] ?? '', /^451 /)
  assert.deepEqual(fatesOf(relay), [])
})

test('gone at hand-over: the refusal is told, nothing is kept', async () => {
  institute.setScript({ mailboxes: [] })
  const sent = await sendOneMail(relay, { to: 'known@inst.example' })
  assert.match(sent.final ?? '', /^550 5\.1\.1 /)
  assert.deepEqual(fatesOf(relay), [])
})
