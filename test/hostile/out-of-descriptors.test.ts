// More connections than the process may have file descriptors: new ones hear so, open ones go on, nothing spins, and
// afterwards all is as before.

import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'
import { startInstituteServer } from '../../demo/institute-server.ts'
import { endpointOf, openSession, sendMail, sendOneMail, until } from '../e2e/support/mail.ts'
import { connectRaw, type RawClient } from '../support/raw-client.ts'
import { startRelay, type TestRelay } from '../support/relay.ts'

const limit = 200
const flood = 300

async function crowd(relay: TestRelay): Promise<readonly RawClient[]> {
  return await Promise.all(Array.from({ length: flood }, () => connectRaw({ port: relay.port })))
}

/** User and system, in seconds. */
function cpuSeconds(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.split(' ') ?? []
  return (Number(fields[11]) + Number(fields[12])) / 100
}

async function play(maxDescriptors: number, look: (relay: TestRelay) => void): Promise<void> {
  await using institute = await startInstituteServer({ mailboxes: 'all' })
  await using relay = await startRelay({
    domains: [{ domain: 'inst.example', to: endpointOf(institute) }],
    wrapper: ['prlimit', `--nofile=${limit}`],
    config: { load: { maxDescriptors }, greeting: { connections: { mode: 'off' } } },
  })
  await using early = await openSession(relay)
  assert.match((await sendMail(early, { to: 'a@inst.example' })).final ?? '', /^250 /)
  const clients = await crowd(relay)
  await pause(500)
  const cpuBefore = cpuSeconds(relay.pid)
  await pause(1000)
  assert.ok(cpuSeconds(relay.pid) - cpuBefore < 0.5, 'it spins')
  look(relay)
  assert.match((await sendMail(early, { to: 'a@inst.example' })).final ?? '', /^250 /)
  for (const client of clients) await client[Symbol.asyncDispose]()
  await until(async () => {
    const sent = await sendOneMail(relay, { to: 'next@inst.example' }).catch(() => null)
    return sent?.final?.startsWith('250 ') === true
  })
  assert.equal(institute.mails.length, 3)
  assert.deepEqual(relay.events('internal-error'), [])
}

test('421 4.3.2 while they run short, until they do not', () =>
  play(90, (relay) => {
    const refused = relay.events('session-refused')
    assert.ok(refused.length > 100 && refused.length < flood, `${refused.length}`)
    assert.ok(refused.every(({ reason }) => reason === 'descriptors-short'))
    assert.equal(relay.events('shedding-began').length, 1)
  }))

test('without that limit the system refuses some, and the relay lives', () =>
  play(100, () => undefined))
