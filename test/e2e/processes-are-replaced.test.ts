// SIGHUP with a changed configuration: the processes are replaced one after the other while clients come
// without pause, and none of them notices. With the same one only logs and certificates are opened again.

import assert from 'node:assert/strict'
import { readdirSync, readFileSync, readlinkSync, renameSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import path from 'node:path'
import { after, before, test } from 'node:test'
import { parse, stringify } from 'yaml'
import { startInstituteServer, type InstituteServer } from '../../demo/institute-server.ts'
import type { TestRelay } from '../support/relay.ts'
import { endpointOf, openSession, sendMail, until } from './support/mail.ts'
import { contentNamed } from './support/outage.ts'
import { metric, pidOf, startProcesses, workers } from './support/processes.ts'

let institute: InstituteServer
let relay: TestRelay

before(async () => {
  institute = await startInstituteServer({ mailboxes: 'all' })
  relay = await startProcesses({
    domains: [{ domain: 'inst.example', to: endpointOf(institute) }],
  })
})
after(async () => {
  await relay[Symbol.asyncDispose]()
  await institute.close()
})

async function changeConfig(changes: Readonly<Record<string, unknown>>): Promise<void> {
  const usual = parse(readFileSync(relay.configFile, 'utf8')) as Record<string, unknown>
  await writeFile(relay.configFile, stringify({ ...usual, ...changes }))
}

/** Descriptors of the supervisor. */
function descriptorCount(): number {
  return readdirSync(`/proc/${relay.pid}/fd`).length
}

/** Mails one after the other, each in a session of its own, until `isOver`. Gives how many got 250. */
async function sendWithoutPause(lane: number, isOver: () => boolean): Promise<number> {
  for (let number = 0; ; number += 1) {
    if (isOver()) return number
    await using client = await openSession(relay)
    const content = contentNamed(`lane ${lane} number ${number}`)
    const { final } = await sendMail(client, { to: 'a@inst.example', content })
    assert.match(final ?? '', /^250 /)
  }
}

test('no connection and no mail is lost while all processes are replaced', async () => {
  await using waiting = await openSession(relay)
  const descriptors = descriptorCount()
  const oldPids = ['coordinator', ...workers].map((name) => pidOf(relay, name))
  await changeConfig({
    limits: { maxMessage: '3MiB' },
    postmaster: 'p@x.example',
  })
  let isOver = false
  const lanes = [1, 2].map((lane) => sendWithoutPause(lane, () => isOver))
  relay.signal('SIGHUP')
  const areGone = (): boolean => {
    const gone = relay.events('process-ended').map(({ pid }) => pid)
    return oldPids.every((pid) => gone.includes(pid))
  }
  // It had no mail yet: it may still have one.
  await relay.waitForEvent(({ event }) => event === 'config-reloaded', 30_000)
  const late = await sendMail(waiting, { to: 'a@inst.example', content: contentNamed('late') })
  assert.match(late.final ?? '', /^250 /)
  await until(areGone, 20_000)
  isOver = true
  const counts = await Promise.all(lanes)
  const sentCount = counts.reduce((sum, count) => sum + count, 1)
  assert.ok(sentCount > 20, `only ${sentCount} mails meanwhile`)
  assert.equal(institute.mails.length, sentCount)
  assert.deepEqual(relay.events('process-lost'), [])
  assert.deepEqual(relay.events('session-refused'), [])

  await using client = await openSession(relay)
  assert.match(await client.command('EHLO client.example', 250), /SIZE 3145728/)
  assert.equal(
    descriptorCount(),
    descriptors,
    'the supervisor keeps no descriptor of those that ended',
  )
  // What the old ones have counted is still there.
  const accepted = 'pforte_mails_total{verdict="accept",reason=""}'
  assert.equal(await metric(relay, accepted), sentCount)
})

test('a configuration that cannot be started leaves the one before in force', async () => {
  const { metrics } = parse(readFileSync(relay.configFile, 'utf8')) as Record<string, unknown>
  await changeConfig({ metrics: { listen: { address: '127.0.0.1', port: institute.port } } })
  const before = relay.events('listening').length
  relay.signal('SIGHUP')
  const failed = await relay.waitForEvent(({ event }) => event === 'config-reload-failed', 20_000)
  assert.match(String(failed['problems']), /coordinator could not be started/)
  await until(() => relay.events('listening').length > before, 20_000)
  assert.ok((await metric(relay, 'pforte_sessions_total')) > 20)
  await changeConfig({ metrics })
})

test('the same configuration: all open the log file again, and go on', async () => {
  const pids = [relay.pid, ...['coordinator', ...workers].map((name) => pidOf(relay, name))]
  const [name = ''] = readdirSync(relay.folder).filter((file) => /^pforte-\d+\.log$/.test(file))
  const log = path.join(relay.folder, name)
  renameSync(log, `${log}.old`)
  relay.signal('SIGHUP')
  await until(() => pids.every((pid) => openFiles(pid).includes(log)))
  await until(() => !pids.some((pid) => openFiles(pid).includes(`${log}.old`)))
  await using client = await openSession(relay)
  const { final } = await sendMail(client, { to: 'a@inst.example' })
  assert.match(final ?? '', /^250 /)
  assert.deepEqual(relay.events('process-started'), [])
})

function openFiles(pid: number): readonly string[] {
  const folder = `/proc/${pid}/fd`
  return readdirSync(folder).map((descriptor) => {
    try {
      return readlinkSync(path.join(folder, descriptor))
    } catch {
      return ''
    }
  })
}
