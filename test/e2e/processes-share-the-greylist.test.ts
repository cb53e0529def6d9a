// A mail server's retry arrives at whatever worker: what one of them has noted the other one knows.

import assert from 'node:assert/strict'
import { writeFile } from 'node:fs/promises'
import path from 'node:path'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { answerTo, startRuled } from '../hostile/support/ruled-relay.ts'
import { temporaryFolder } from '../support/temporary-folder.ts'
import { until } from './support/mail.ts'
import { onlyThrough, startProcesses, workers } from './support/processes.ts'

/** What one worker has noted is in greylist.db by then. */
const storedMs = 800

test('an attempt at one worker, its retry at the other, and both know it from then on', async () => {
  await using folder = await temporaryFolder()
  const exceptions = path.join(folder.path, 'exceptions')
  await writeFile(exceptions, '# nobody yet\n')
  const greylisting = { mode: 'defer', delay: '1s', allowAfter: 1 }
  await using ruled = await startRuled({}, { greylisting, exceptions }, startProcesses)
  const through = async (worker: string, to: string): Promise<string> =>
    await onlyThrough(ruled.relay, worker, () => answerTo(ruled, '127.4.1.1', { to }))
  assert.match(await through('worker-1', 'a@inst.example'), /^451 4\.7\.1 /)
  await sleep(1000 + storedMs)
  assert.match(await through('worker-2', 'a@inst.example'), /^250 /)
  await sleep(storedMs)
  // Known to the first one too, and with it the network.
  assert.match(await through('worker-1', 'a@inst.example'), /^250 /)
  assert.match(await through('worker-1', 'b@inst.example'), /^250 /)
  assert.equal(ruled.institute.mails.length, 3)

  // A list that has changed is read by both, although the configuration has not.
  await writeFile(exceptions, 'recipient open.example\n')
  ruled.relay.signal('SIGHUP')
  await until(() => ruled.relay.events('exceptions-reloaded').length === workers.length)
  for (const worker of workers) {
    const sent = onlyThrough(ruled.relay, worker, () =>
      answerTo(ruled, '127.4.2.1', { to: 'a@open.example' }),
    )
    assert.match(await sent, /^250 /)
  }
})
