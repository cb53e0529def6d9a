// What a server said about a recipient is not asked again while it is fresh, over restarts too.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'
import { startInstituteServer } from '../../demo/institute-server.ts'
import { startRelay } from '../support/relay.ts'
import { endpointOf, rcptCount, sendOneMail } from './support/mail.ts'

const known = 'a@inst.example'

test('a positive answer is kept; a negative one is asked again when it has aged', async () => {
  await using institute = await startInstituteServer({ mailboxes: [known] })
  await using relay = await startRelay({
    domains: [{ domain: 'inst.example', to: endpointOf(institute) }],
    config: { verification: { negativeFresh: '300ms' } },
  })
  await sendOneMail(relay, { to: known })
  assert.equal(rcptCount(institute, known), 2) // the question and the delivery
  await sendOneMail(relay, { to: known })
  assert.equal(rcptCount(institute, known), 3) // only the delivery
  const late = 'late@inst.example'
  for (const _round of [1, 2]) {
    const sent = await sendOneMail(relay, { to: late })
    assert.match(sent.recipients[0] ?? '', /^550 5\.1\.1 .*User unknown/)
  }
  assert.equal(rcptCount(institute, late), 1)
  institute.setMailboxes([known, late])
  await pause(350)
  const sent = await sendOneMail(relay, { to: late })
  assert.match(sent.final ?? '', /^250 /)
})

test('what is known survives a restart', async () => {
  await using institute = await startInstituteServer({ mailboxes: [known] })
  const domains = [{ domain: 'inst.example', to: endpointOf(institute) }]
  await using first = await startRelay({ domains })
  await sendOneMail(first, { to: known })
  first.signal('SIGTERM')
  await first.ended
  institute.clear()
  await using second = await startRelay({ domains, config: { state: `${first.folder}/state` } })
  const sent = await sendOneMail(second, { to: known })
  assert.match(sent.final ?? '', /^250 /)
  assert.equal(rcptCount(institute, known), 1) // only the delivery
})
