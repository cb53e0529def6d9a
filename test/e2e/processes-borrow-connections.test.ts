// A server that takes fewer connections than the relay has processes: they are lent to one after the other, no
// mail is refused for it, and a process that is lost gives back what it had.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { startInstituteServer } from '../../demo/institute-server.ts'
import { endpointOf, inParallel, sendOneMail, until } from './support/mail.ts'
import { quick, spoolOf, untilDelivered } from './support/outage.ts'
import { pidOf, startProcesses } from './support/processes.ts'
import type { TestRelay } from '../support/relay.ts'

const addresses = Array.from({ length: 40 }, (_, index) => `x${index}@inst.example`)

/** Sessions come to one worker or the other. */
async function sendAll(relay: TestRelay): Promise<void> {
  await inParallel(addresses, 10, async (to) => {
    const sent = await sendOneMail(relay, { to })
    assert.match(sent.final ?? sent.recipients[0] ?? '', /^250 /)
  })
}

test('one connection for two workers and the coordinator', async () => {
  await using institute = await startInstituteServer({
    mailboxes: addresses,
    limits: { connections: 1 },
  })
  await using relay = await startProcesses({
    domains: [{ domain: 'inst.example', to: endpointOf(institute), maxConnections: 1 }],
    config: { ...quick, verification: { ...quick['verification'], totalTimeout: '20s' } },
  })
  institute.setScript({ delayMs: { final: 20 } })
  await sendAll(relay)
  assert.equal(institute.mails.length, 40)
  assert.equal(institute.counts.peak, 1)
  // Both had their turns, and neither with a connection a mail.
  assert.ok(institute.counts.total >= 2 && institute.counts.total < 30, `${institute.counts.total}`)
  assert.deepEqual(relay.events('next-hop-failed'), [])

  // What the coordinator brings from the spool takes its turn as well.
  institute.setScript({ stageReplies: { final: '451 4.3.0 Later' } })
  const [to = ''] = addresses
  assert.match((await sendOneMail(relay, { to })).final ?? '', /^250 .*taken over/)
  assert.equal(spoolOf(relay).length, 1)
  institute.setScript({ stageReplies: {} })
  await untilDelivered(relay, 30_000)
  assert.equal(institute.mails.length, 41)
  assert.equal(institute.counts.peak, 1)
})

test('a worker that is lost with the connection it had: the others go on', async () => {
  await using institute = await startInstituteServer({
    mailboxes: addresses,
    limits: { connections: 1 },
  })
  await using relay = await startProcesses({
    domains: [{ domain: 'inst.example', to: endpointOf(institute), maxConnections: 1 }],
    config: { ...quick, verification: { ...quick['verification'], totalTimeout: '20s' } },
  })
  await sendAll(relay)
  process.kill(pidOf(relay, 'worker-1'), 'SIGKILL')
  process.kill(pidOf(relay, 'worker-2'), 'SIGKILL')
  await until(() => relay.events('process-lost').length >= 2, 20_000)
  await until(() => institute.counts.current === 0, 10_000)
  await until(async () => {
    const [to = ''] = addresses
    const sent = await sendOneMail(relay, { to }).catch(() => null)
    return sent?.final?.startsWith('250 ') === true
  }, 30_000)
  await sendAll(relay)
  assert.equal(institute.counts.peak, 1)
})
