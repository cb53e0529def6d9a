// SIGTERM: each worker finishes its mails, then the coordinator ends, then the supervisor with 0. Also when it
// comes while processes are being replaced.

import assert from 'node:assert/strict'
import { appendFile } from 'node:fs/promises'
import { test } from 'node:test'
import { startInstituteServer } from '../../demo/institute-server.ts'
import { connectRaw } from '../support/raw-client.ts'
import { endpointOf, openSession, plainContent, until } from './support/mail.ts'
import { onlyThrough, runningPids, startProcesses, workers } from './support/processes.ts'

test('SIGTERM while both workers hand a mail over', async () => {
  await using institute = await startInstituteServer({
    mailboxes: 'all',
    delayMs: { final: 1000 },
  })
  await using relay = await startProcesses({
    domains: [{ domain: 'inst.example', to: endpointOf(institute) }],
  })
  const clients = []
  for (const worker of workers) {
    const client = await onlyThrough(relay, worker, () => openSession(relay))
    await client.command('MAIL FROM:<s@sender.example>', 250)
    await client.command('RCPT TO:<a@inst.example>', 250)
    await client.command('DATA', 354)
    clients.push(client)
  }
  for (const client of clients) await client.send(`${plainContent}.\r\n`)
  await until(() => institute.commandTexts.filter((text) => text === 'DATA').length === 2)
  relay.signal('SIGTERM')
  const health = `http://127.0.0.1:${relay.metricsPort}/healthz`
  await until(async () => (await fetch(health)).status === 503)
  await assert.rejects(connectRaw({ port: relay.port }), { code: 'ECONNREFUSED' })
  for (const client of clients) {
    await client.expect(250)
    await client.expect(421)
    await client.closed()
  }
  assert.equal(await relay.ended, 0)
  assert.deepEqual(runningPids(relay), [])
  const ended = relay
    .events('process-ended')
    .map(({ process, detail }) => `${String(process)}: ${String(detail)}`)
  assert.deepEqual(
    ended.slice(0, 2).toSorted(),
    workers.map((worker) => `${worker}: exit code 0`),
  )
  assert.deepEqual(ended.slice(2), ['coordinator: exit code 0'])
  assert.equal(relay.events().at(-1)?.['event'], 'stopped')
  assert.deepEqual(relay.events('process-lost'), [])
  assert.equal(institute.mails.length, 2)
})

for (const [when, event] of [
  ['before anything was replaced', null],
  ['while the coordinator is being replaced', 'process-ended'],
] as const) {
  test(`SIGTERM during a reload, ${when}`, async () => {
    await using institute = await startInstituteServer({ mailboxes: 'all' })
    await using relay = await startProcesses({
      domains: [{ domain: 'inst.example', to: endpointOf(institute) }],
    })
    await appendFile(relay.configFile, 'postmaster: other@x.example\n')
    relay.signal('SIGHUP')
    if (event !== null) await until(() => relay.events(event).length > 0, 20_000)
    relay.signal('SIGTERM')
    assert.equal(await relay.ended, 0)
    assert.deepEqual(runningPids(relay), [])
    assert.equal(relay.events().at(-1)?.['event'], 'stopped')
    assert.deepEqual(relay.events('process-lost'), [])
  })
}
