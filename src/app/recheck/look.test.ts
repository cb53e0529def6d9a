// What one look may say: a mere question clears nothing that was seen further, and a busy server is not judged.

import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import path from 'node:path'
import { test } from 'node:test'
import { loadConfig } from '#config/load-config.ts'
import type { SavedProfile } from '#compliance/profile-store.ts'
import { createRoute } from '#registry/route.ts'
import {
  examinedServer,
  site,
  type ExaminedOptions,
} from '../../../test/support/examined-server.ts'
import { startScriptedServer } from '../../../test/support/hostile-server.ts'
import { temporaryFolder } from '../../../test/support/temporary-folder.ts'
import { lookAgain } from './look.ts'

/** By the id of the check, what the look says. */
async function look(
  options: ExaminedOptions,
  verdicts: SavedProfile['verdicts'],
): Promise<Readonly<Record<string, string>>> {
  await using folder = await temporaryFolder()
  const file = path.join(folder.path, 'pforte.yaml')
  const listen = '[{ address: 127.0.0.1, port: 0 }]'
  writeFileSync(file, `hostname: relay.example.org\nlisten: ${listen}\nstate: ${folder.path}\n`)
  const loaded = loadConfig({ file, environment: {} })
  assert.ok(loaded.ok)
  const server = await startScriptedServer(examinedServer(options))
  const { port } = server
  const found = await lookAgain({
    config: loaded.value.config,
    saved: {
      domain: site.domain,
      server: `127.0.0.1:${port}`,
      measuredAtMs: Date.now(),
      profile: {},
      verdicts,
      asked: {
        domains: [site.domain],
        existing: [site.existing],
        unknown: [],
        sources: [],
        helloName: 'relay.example.org',
        senderDomain: 'relay.example.org',
        caFile: null,
      },
    },
    routes: [createRoute([{ kind: 'address', address: '127.0.0.1', port }], 'opportunistic')],
    resolver: { addresses: () => assert.fail('no name is looked up') },
    only: null,
    signal: new AbortController().signal,
  })
  await server.close()
  assert.ok(found.kind === 'done', JSON.stringify(found))
  return Object.fromEntries(found.seen.map(({ check, verdict }) => [check, verdict]))
}

test('a question does not clear what was found with content or a catcher', async () => {
  const seen = await look(
    {},
    {
      'no-greylisting': 'violated',
      'no-sender-callback': 'violated',
      'rcpt-existing-accepted': 'violated',
    },
  )
  assert.deepEqual(seen, { 'rcpt-existing-accepted': 'met' })
})

test('what a question finds itself counts', async () => {
  const greylisted = '450 4.2.0 <anna@inst.example>: Recipient address rejected: Greylisted'
  const before = { 'no-greylisting': 'met', 'no-sender-callback': 'met' } as const
  assert.deepEqual(await look({}, before), before)
  const seen = await look({ rcpt: () => greylisted }, before)
  assert.equal(seen['no-greylisting'], 'violated')
})

for (const banner of ['421 4.7.0 Too many connections', null]) {
  test(`a server that is busy (${banner ?? 'no greeting'}) is not judged by it`, async () => {
    const seen = await look({ banner: () => banner }, { 'banner-220': 'met' })
    assert.deepEqual(seen, {})
  })
}

test('one that refuses the relay is', async () => {
  const seen = await look({ banner: () => '554 5.7.1 On a list' }, { 'banner-220': 'met' })
  assert.deepEqual(seen, { 'banner-220': 'violated' })
})
