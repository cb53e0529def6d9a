// A relay that cannot have its port says so and ends with 1; the one that has it goes on.

import assert from 'node:assert/strict'
import { writeFile } from 'node:fs/promises'
import path from 'node:path'
import { test } from 'node:test'
import { stringify } from 'yaml'
import { startInstituteServer } from '../../demo/institute-server.ts'
import { run, startRelay } from '../support/relay.ts'
import { temporaryFolder } from '../support/temporary-folder.ts'
import { endpointOf, sendOneMail } from './support/mail.ts'

test('the second one ends with 1, the first one goes on', async () => {
  await using institute = await startInstituteServer({ mailboxes: 'all' })
  await using first = await startRelay({
    domains: [{ domain: 'inst.example', to: endpointOf(institute) }],
  })
  await using folder = await temporaryFolder()
  const configFile = path.join(folder.path, 'pforte.yaml')
  const config = {
    hostname: 'mailrelay2.example.org',
    listen: [{ address: '127.0.0.1', port: first.port }],
    state: './state',
    metrics: { listen: { address: '127.0.0.1', port: 0 } },
  }
  await writeFile(configFile, stringify(config))
  const second = await run(['serve', '--config', configFile])
  assert.equal(second.exitCode, 1)
  const wanted = `cannot listen on 127.0.0.1 port ${first.port}: EADDRINUSE (another program`
  assert.ok(second.stderr.includes(wanted), second.stderr)
  assert.doesNotMatch(second.stderr, /^\s+at /m)
  const sent = await sendOneMail(first, { to: 'a@inst.example' })
  assert.match(sent.final ?? '', /^250 /)
})
