// A process that has begun sends mails to itself. Nobody hears of them, nothing is left of them, and real
// mail does not wait for them.

import assert from 'node:assert/strict'
import { readdirSync } from 'node:fs'
import path from 'node:path'
import { test } from 'node:test'
import { startInstituteServer } from '../../demo/institute-server.ts'
import { createAuthority, isOpensslAvailable } from '../support/certificates.ts'
import { startRelay, type TestRelay } from '../support/relay.ts'
import { endpointOf, openSession, sendOneMail } from './support/mail.ts'
import { metric, startProcesses, workers } from './support/processes.ts'

const patienceMs = 60_000
const skip = (await isOpensslAvailable()) ? false : 'the openssl command (3.0 or later) is missing'
const domains = [{ domain: 'inst.example', to: '127.0.0.1:9' }]

test('its mails are in no log, no metric and no file, and real mail is as ever', async () => {
  await using institute = await startInstituteServer({ mailboxes: 'all' })
  await using relay = await startRelay({
    domains: [{ domain: 'inst.example', to: endpointOf(institute) }],
    config: { rehearsal: { mails: 100 } },
  })
  const { mailCount } = await rehearsed(relay)
  assert.equal(mailCount, 100)
  assert.deepEqual(relay.events('session-opened'), [])
  assert.deepEqual(relay.events('next-hop-connected'), [])
  assert.ok(!relay.log().includes('rehearsal.invalid'))
  assert.equal(await metric(relay, 'pforte_sessions_total'), 0)
  assert.deepEqual(readdirSync(path.join(relay.folder, 'state/spool/incoming')), [])
  await using client = await openSession(relay)
  await client.command('MAIL FROM:<s@sender.example>', 250)
  await client.command('RCPT TO:<known0@rehearsal.invalid>', 550)
  const sent = await sendOneMail(relay, { to: 'a@inst.example' })
  assert.match(sent.final ?? '', /^250 /)
  assert.equal(institute.mails.length, 1)
})

test(
  'with a certificate, when some of its mails are encrypted, it comes to its end too',
  { skip },
  async () => {
    await using authority = await createAuthority()
    const { certificatePath, keyPath } = await authority.issue({
      names: ['mailrelay1.example.org'],
    })
    const certificates = [{ certificate: certificatePath, key: keyPath }]
    await using relay = await startRelay({
      domains,
      config: { rehearsal: { mails: 60 }, tls: { certificates } },
    })
    const { mailCount } = await rehearsed(relay)
    assert.equal(mailCount, 60)
    assert.deepEqual(relay.events('tls-established'), [])
  },
)

test('each worker rehearses, the coordinator too, and nothing is left of it', async () => {
  await using relay = await startProcesses({ domains, config: { rehearsal: { mails: 40 } } })
  await relay.waitForEvent(() => relay.events('rehearsed').length > workers.length, patienceMs)
  for (const { mailCount } of relay.events('rehearsed')) assert.equal(mailCount, 40)
  for (const folder of readdirSync(path.join(relay.folder, 'state/spool/incoming'))) {
    assert.deepEqual(readdirSync(path.join(relay.folder, 'state/spool/incoming', folder)), [])
  }
})

test('a real session has it wait, and it ends without the rest', async () => {
  await using relay = await startRelay({
    domains,
    config: { rehearsal: { mails: 100_000 } },
  })
  await using client = await openSession(relay)
  const { mailCount } = await rehearsed(relay)
  assert.ok(Number(mailCount) < 100_000)
  await client.command('NOOP', 250)
})

test('SIGTERM does not wait for it', async () => {
  await using relay = await startRelay({
    domains,
    config: { rehearsal: { mails: 100_000 } },
  })
  relay.signal('SIGTERM')
  assert.equal(await relay.ended, 0)
  assert.deepEqual(relay.events('rehearsal-failed'), [])
  assert.deepEqual(readdirSync(path.join(relay.folder, 'state/spool/incoming')), [])
})

test('it cannot be done: that is said, and the relay goes on', async () => {
  await using relay = await startRelay({
    domains,
    // Its sessions take more descriptors than there may be, so that they are sent away.
    wrapper: ['prlimit', '--nofile=80'],
    config: { rehearsal: { mails: 100_000 }, load: { maxDescriptors: 60 } },
  })
  const failed = await relay.waitForEvent(({ event }) => event === 'rehearsal-failed', patienceMs)
  assert.match(String(failed['detail']), /421|overloaded/)
  assert.equal(failed['level'], 'warning')
  relay.signal('SIGTERM')
  assert.equal(await relay.ended, 0)
})

test('small limits of the relay are no obstacle', async () => {
  await using relay = await startRelay({
    domains,
    config: {
      rehearsal: { mails: 60 },
      limits: { maxSessions: 1 },
      guessing: { mode: 'enforce', maxUnknown: 1, maxQuestions: 1 },
      greeting: { exempt: [], access: { mode: 'enforce', deny: ['127.0.0.0/8'] } },
      handover: { maxConnections: 1 },
      verification: { maxConnections: 1 },
    },
  })
  const { mailCount } = await rehearsed(relay)
  assert.equal(mailCount, 60)
})

function rehearsed(relay: TestRelay): ReturnType<TestRelay['waitForEvent']> {
  return relay.waitForEvent(({ event }) => event === 'rehearsed', patienceMs)
}
