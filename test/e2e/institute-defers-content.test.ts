// The institute answers the content with 4yz although the recipient is known good (greylisting, a full
// disk): the relay takes the mail over and delivers it later, exactly once.

import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { startInstituteServer, type InstituteServer } from '../../demo/institute-server.ts'
import { startRelay, type TestRelay } from '../support/relay.ts'
import { endpointOf, sendOneMail, until } from './support/mail.ts'
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
  institute = await startInstituteServer({ mailboxes: ['a@inst.example'] })
  relay = await startRelay({
    domains: [{ domain: 'inst.example', to: endpointOf(institute) }],
    config: quick,
  })
  await makeKnown(relay, ['a@inst.example'])
})
after(async () => {
  await relay[Symbol.asyncDispose]()
  await institute.close()
})

test('4yz to the content: 250, and delivered once when the institute takes it', async () => {
  institute.setScript({ stageReplies: { final: '452 4.3.1 Disk full' } })
  const sent = await sendOneMail(relay, { to: 'a@inst.example', content: contentNamed('full') })
  assert.match(sent.final ?? '', /^250 /)
  assert.deepEqual(fatesOf(relay), ['a@inst.example'])
  assert.deepEqual(arrivals(institute, 'full'), [])
  institute.setScript({ stageReplies: {} })
  await untilDelivered(relay)
  assert.deepEqual(arrivals(institute, 'full'), [['a@inst.example']])
})

test('greylisting by mail: the second attempt is taken, and no third one comes', async () => {
  const seen = new Set<string>()
  institute.setScript({
    filter: ({ headerText }) => {
      const subject = /^Subject: (.*)\r$/m.exec(headerText)?.[1] ?? ''
      if (seen.has(subject)) return undefined
      seen.add(subject)
      return '451 4.7.1 Come back later'
    },
  })
  const sent = await sendOneMail(relay, { to: 'a@inst.example', content: contentNamed('grey') })
  assert.match(sent.final ?? '', /^250 /)
  await until(() => arrivals(institute, 'grey').length > 0, 15_000)
  await untilDelivered(relay)
  assert.deepEqual(arrivals(institute, 'grey'), [['a@inst.example']])
  institute.setScript({ filter: () => undefined })
})
