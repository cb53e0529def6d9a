// Two workers are one relay: what one of them has found out the other one knows, what they count adds up.

import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { startInstituteServer, type InstituteServer } from '../../demo/institute-server.ts'
import { createAuthority, isOpensslAvailable, type TestAuthority } from '../support/certificates.ts'
import type { TestRelay } from '../support/relay.ts'
import { endpointOf, openSession, rcptCount, sendOneMail } from './support/mail.ts'
import { arrivals, contentNamed } from './support/outage.ts'
import { metric, onlyThrough, startProcesses, workers } from './support/processes.ts'

const isTls = await isOpensslAvailable()
const skip = isTls ? false : 'the openssl command (3.0 or later) is missing'
/** What one worker has found out is in recipients.db by then. */
const storedMs = 1500
let authority: TestAuthority | null = null
let institute: InstituteServer
let relay: TestRelay

before(async () => {
  institute = await startInstituteServer({ mailboxes: 'all' })
  authority = isTls ? await createAuthority() : null
  const files = await authority?.issue({ names: ['mailrelay1.example.org'] })
  const certificates =
    files === undefined ? [] : [{ certificate: files.certificatePath, key: files.keyPath }]
  relay = await startProcesses({
    domains: [{ domain: 'inst.example', to: endpointOf(institute) }],
    config: { tls: { certificates } },
  })
})
after(async () => {
  await relay[Symbol.asyncDispose]()
  await authority?.[Symbol.asyncDispose]()
  await institute.close()
})

test('mail goes through each worker, and one question is enough for both', async () => {
  for (const worker of workers) {
    const sent = await onlyThrough(relay, worker, () =>
      sendOneMail(relay, { to: 'a@inst.example' }),
    )
    assert.match(sent.final ?? '', /^250 /)
    await sleep(storedMs)
  }
  assert.equal(institute.mails.length, 2)
  // The question of the first mail, and the two deliveries.
  assert.equal(rcptCount(institute, 'a@inst.example'), 3)
})

test('/metrics is that of the whole relay', async () => {
  assert.equal(await metric(relay, 'pforte_mails_total{verdict="accept",reason=""}'), 2)
  assert.equal(await metric(relay, 'pforte_sessions_total'), 2)
  for (const name of ['supervisor', 'coordinator', ...workers]) {
    const startSeconds = await metric(relay, `process_start_time_seconds{process="${name}"}`)
    assert.ok(Math.abs(Date.now() / 1000 - startSeconds) < 600, name)
  }
})

test('pforte status shows all processes, and servers and spool', async () => {
  await using idle = await openSession(relay)
  const { exitCode, stdout } = await relay.pforte('status', '--json')
  assert.equal(exitCode, 0)
  const status = JSON.parse(stdout) as {
    readonly processes: readonly { readonly name: string; readonly sessionCount: number }[]
    readonly targets: readonly { readonly route: string; readonly isDown: boolean }[]
    readonly spool: { readonly state: string; readonly entryCount: number }
  }
  const names = status.processes.map(({ name }) => name)
  assert.deepEqual(names, ['coordinator', 'supervisor', ...workers])
  assert.equal(
    status.processes.reduce((sum, { sessionCount }) => sum + sessionCount, 0),
    1,
  )
  assert.deepEqual(
    status.targets.map(({ route, isDown }) => [route.split(' ')[0], isDown]),
    [[endpointOf(institute), false]],
  )
  assert.deepEqual([status.spool.state, status.spool.entryCount], ['open', 0])
  await idle.command('QUIT', 221)
})

test('a TLS session of one worker is resumed by the other', { skip }, async () => {
  const session = await onlyThrough(relay, 'worker-1', async () => {
    await using client = await openSession(relay)
    const { promise, resolve } = Promise.withResolvers<Buffer>()
    const socket = await client.startTls()
    socket.once('session', resolve)
    await client.command('EHLO client.example', 250)
    return await promise
  })
  await onlyThrough(relay, 'worker-2', async () => {
    await using client = await openSession(relay)
    const socket = await client.startTls({ session })
    await client.command('EHLO client.example', 250)
    assert.equal(socket.isSessionReused(), true)
  })
})

test('a retry at the other worker, while the first hand-over still runs, is not delivered again', async () => {
  const mail = { to: 'a@inst.example', content: contentNamed('retry') }
  await onlyThrough(relay, 'worker-1', async () => {
    await using client = await openSession(relay)
    institute.setScript({ delayMs: { final: 600 } })
    await client.command('MAIL FROM:<s@sender.example>', 250)
    await client.command('RCPT TO:<a@inst.example>', 250)
    await client.command('DATA', 354)
    await client.send(`${mail.content}.\r\n`)
    await sleep(100)
    client.reset()
    await sleep(100)
  })
  const retry = await onlyThrough(relay, 'worker-2', async () => {
    // The first one has to go on meanwhile: a session in place needs no other worker to be stopped.
    return await openSession(relay)
  })
  await retry.command('MAIL FROM:<s@sender.example>', 250)
  await retry.command('RCPT TO:<a@inst.example>', 250)
  await retry.command('DATA', 354)
  await retry.send(`${mail.content}.\r\n`)
  assert.match(await retry.expect(), /^250 .*already delivered/)
  await retry[Symbol.asyncDispose]()
  institute.setScript({ delayMs: {} })
  assert.deepEqual(arrivals(institute, 'retry'), [['a@inst.example']])
})
