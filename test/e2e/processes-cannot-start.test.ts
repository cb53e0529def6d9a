// What several processes need and cannot have: nothing stays behind, the reason is said, the exit code is 1.

import assert from 'node:assert/strict'
import { readFile, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { test } from 'node:test'
import { parse, stringify } from 'yaml'
import { startInstituteServer } from '../../demo/institute-server.ts'
import { run, startRelay, type CommandResult } from '../support/relay.ts'
import { endpointOf, sendOneMail } from './support/mail.ts'
import { isRunning } from './support/processes.ts'

test('the spool belongs to another relay; the port of the metrics is taken', async () => {
  await using institute = await startInstituteServer({ mailboxes: 'all' })
  await using first = await startRelay({
    domains: [{ domain: 'inst.example', to: endpointOf(institute) }],
  })
  const usual = parse(await readFile(first.configFile, 'utf8')) as Record<string, unknown>
  const log = path.join(first.folder, 'second.log')
  const serve = async (changes: Readonly<Record<string, unknown>>): Promise<CommandResult> => {
    const file = path.join(first.folder, 'second.yaml')
    const own = { workers: 2, log: { format: 'json', file: log } }
    await writeFile(file, stringify({ ...usual, ...own, ...changes }))
    return await run(['serve', '--config', file])
  }

  const owned = await serve({})
  assert.equal(owned.exitCode, 1)
  assert.match(
    owned.stderr,
    new RegExp(`in use by process ${first.pid} on .*only one relay may use`),
  )
  assert.match(owned.stderr, /pforte serve: coordinator could not be started \(exit code 1\)/)

  const metrics = { listen: { address: '127.0.0.1', port: first.metricsPort } }
  const crowded = await serve({ state: './second', metrics })
  assert.equal(crowded.exitCode, 1)
  assert.match(crowded.stderr, new RegExp(`cannot listen on 127.0.0.1 port ${first.metricsPort}`))
  for (const { stderr } of [owned, crowded]) assert.doesNotMatch(stderr, /^\s+at /m)

  const started = (await readFile(log, 'utf8')).matchAll(/"event":"process-started".*"pid":(\d+)/g)
  const pids = [...started].map(([, pid]) => Number(pid))
  assert.equal(pids.length, 2, 'the coordinators alone')
  assert.deepEqual(pids.filter(isRunning), [])
  const sent = await sendOneMail(first, { to: 'a@inst.example' })
  assert.match(sent.final ?? '', /^250 /)
})
