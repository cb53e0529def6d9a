// A mail from the spool for several recipients of one institute, of which one gets 4yz at delivery: the
// others get the mail now and once, that one later and once. The same with 5yz: that one is held.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { startInstituteServer } from '../../demo/institute-server.ts'
import { startRelay } from '../support/relay.ts'
import { endpointOf, sendOneMail, until } from './support/mail.ts'
import {
  arrivals,
  contentNamed,
  fatesOf,
  makeKnown,
  quick,
  untilDelivered,
} from './support/outage.ts'

const to = ['a@inst.example', 'b@inst.example', 'c@inst.example']

test('4yz for one of three', async () => {
  await using institute = await startInstituteServer({ mailboxes: to })
  await using relay = await startRelay({
    domains: [{ domain: 'inst.example', to: endpointOf(institute) }],
    config: quick,
  })
  await makeKnown(relay, to)
  await institute.pause()
  const sent = await sendOneMail(relay, { to, content: contentNamed('three') })
  assert.match(sent.final ?? '', /^250 /)
  institute.setScript({ replies: { 'b@inst.example': '450 4.2.1 Mailbox is busy' } })
  await institute.resume()
  await until(() => fatesOf(relay).join() === 'b@inst.example', 15_000)
  assert.deepEqual(arrivals(institute, 'three'), [['a@inst.example', 'c@inst.example']])
  institute.setScript({ replies: {} })
  await untilDelivered(relay)
  assert.deepEqual(arrivals(institute, 'three'), [
    ['a@inst.example', 'c@inst.example'],
    ['b@inst.example'],
  ])
  assert.deepEqual(fatesOf(relay), [])
})

test('5yz for one of three: it is held, the others have the mail', async () => {
  await using institute = await startInstituteServer({ mailboxes: to })
  await using relay = await startRelay({
    domains: [{ domain: 'inst.example', to: endpointOf(institute) }],
    config: quick,
  })
  await makeKnown(relay, to)
  await institute.pause()
  const sent = await sendOneMail(relay, { to, content: contentNamed('three') })
  assert.match(sent.final ?? '', /^250 /)
  institute.setMailboxes(['a@inst.example', 'c@inst.example'])
  await institute.resume()
  await untilDelivered(relay)
  assert.deepEqual(fatesOf(relay), ['b@inst.example: refused'])
  assert.deepEqual(arrivals(institute, 'three'), [['a@inst.example', 'c@inst.example']])
})
