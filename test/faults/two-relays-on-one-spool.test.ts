// A second relay on the state folder of a running one refuses to start and says who has the spool; the first
// goes on. When the first is killed, the spool is free at once.

import assert from 'node:assert/strict'
import { hostname } from 'node:os'
import path from 'node:path'
import { writeFile } from 'node:fs/promises'
import { test } from 'node:test'
import { parse, stringify } from 'yaml'
import { readFile } from 'node:fs/promises'
import { startInstituteServer } from '../../demo/institute-server.ts'
import { run, startRelay } from '../support/relay.ts'
import { temporaryFolder } from '../support/temporary-folder.ts'
import { endpointOf, sendOneMail } from '../e2e/support/mail.ts'
import {
  arrivals,
  contentNamed,
  fatesOf,
  makeKnown,
  quick,
  untilDelivered,
} from '../e2e/support/outage.ts'

const recipient = 'a@inst.example'

test('the second one names the first and ends; the first is unharmed', async () => {
  await using folder = await temporaryFolder()
  await using institute = await startInstituteServer({ mailboxes: [recipient] })
  const domains = [{ domain: 'inst.example', to: endpointOf(institute) }]
  await using first = await startRelay({ domains, config: quick, folder: folder.path })
  await makeKnown(first, [recipient])
  await institute.pause()
  const taken = await sendOneMail(first, { to: recipient, content: contentNamed('before') })
  assert.match(taken.final ?? '', /^250 /)

  const second = await run(['serve', '--config', await secondConfig(first.configFile)])
  assert.equal(second.exitCode, 1)
  assert.match(second.stderr, new RegExp(`\\b${first.pid}\\b`))
  assert.ok(second.stderr.includes(hostname()), second.stderr)
  assert.equal(second.stderr.trim().split('\n').length, 1, second.stderr)
  assert.doesNotMatch(second.stderr, /internal error|\bat .*\.ts:/)

  const after = await sendOneMail(first, { to: recipient, content: contentNamed('after') })
  assert.match(after.final ?? '', /^250 /)
  await institute.resume()
  await untilDelivered(first)
  for (const subject of ['before', 'after']) {
    assert.deepEqual(arrivals(institute, subject), [[recipient]])
  }
})

test('killed, the spool is free at once', async () => {
  await using folder = await temporaryFolder()
  await using institute = await startInstituteServer({ mailboxes: [recipient] })
  const domains = [{ domain: 'inst.example', to: endpointOf(institute) }]
  await using first = await startRelay({ domains, config: quick, folder: folder.path })
  await makeKnown(first, [recipient])
  await institute.pause()
  await sendOneMail(first, { to: recipient, content: contentNamed('kept') })
  first.signal('SIGKILL')
  await first.ended
  await using second = await startRelay({ domains: [], config: quick, folder: folder.path })
  assert.deepEqual(fatesOf(second), [recipient])
  await institute.resume()
  await untilDelivered(second)
  assert.deepEqual(arrivals(institute, 'kept'), [[recipient]])
})

/** The same state, another log. */
async function secondConfig(configFile: string): Promise<string> {
  const config = parse(await readFile(configFile, 'utf8')) as Record<string, unknown>
  const folder = path.dirname(configFile)
  const file = path.join(folder, 'second.yaml')
  await writeFile(
    file,
    stringify({ ...config, log: { format: 'json', file: path.join(folder, 'second.log') } }),
  )
  return file
}
