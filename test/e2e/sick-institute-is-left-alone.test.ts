// A server that failed three times in a row is not connected to again before its recovery time; senders
// get their 451 at once. Connections are counted where they arrive.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { startInstituteServer } from '../../demo/institute-server.ts'
import { startRelay } from '../support/relay.ts'
import { endpointOf, sendOneMail, until } from './support/mail.ts'

const sick = { banner: '421 4.3.2 Not now' }

test('down after three failures: nobody connects, and the sender does not wait', async () => {
  await using institute = await startInstituteServer({ mailboxes: 'all' })
  await using relay = await startRelay({
    domains: [{ domain: 'inst.example', to: endpointOf(institute) }],
    config: { verification: { breakerRecovery: '10min' } },
  })
  institute.setScript({ stageReplies: sick })
  for (const number of [1, 2, 3]) {
    const sent = await sendOneMail(relay, { to: `r${number}@inst.example` })
    assert.match(sent.recipients[0] ?? '', /^451 4\.4\.1 /)
  }
  await relay.waitForEvent((event) => event['event'] === 'next-hop-down')
  // Healthy again, but not yet tried: were it asked, the mails would get 250.
  institute.setScript({ stageReplies: {} })
  const { total } = institute.counts
  assert.ok(total >= 3)
  const startMs = performance.now()
  for (const number of [4, 5, 6, 7, 8]) {
    const sent = await sendOneMail(relay, { to: `r${number}@inst.example` })
    assert.match(sent.recipients[0] ?? '', /^451 4\.4\.1 /)
  }
  assert.ok(performance.now() - startMs < 1000)
  assert.equal(institute.counts.total, total)
  assert.equal(institute.mails.length, 0)
})

test('the recovery question closes it, and mails flow', async () => {
  await using institute = await startInstituteServer({ mailboxes: 'all' })
  await using relay = await startRelay({
    domains: [{ domain: 'inst.example', to: endpointOf(institute) }],
    config: { verification: { breakerRecovery: '1s' } },
  })
  institute.setScript({ stageReplies: sick })
  for (const number of [1, 2, 3]) await sendOneMail(relay, { to: `r${number}@inst.example` })
  await relay.waitForEvent((event) => event['event'] === 'next-hop-down')
  institute.setScript({ stageReplies: {} })
  await until(async () => {
    const sent = await sendOneMail(relay, { to: 'again@inst.example' })
    return sent.final?.startsWith('250 ') ?? false
  })
  await relay.waitForEvent((event) => event['event'] === 'next-hop-up')
  assert.equal(institute.mails.length, 1)
})
