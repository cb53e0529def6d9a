// SIGTERM: idle sessions get 421, a mail in progress is finished. SIGHUP: what can change does.

import assert from 'node:assert/strict'
import { readFile, writeFile } from 'node:fs/promises'
import { test } from 'node:test'
import { parse, stringify } from 'yaml'
import { startInstituteServer } from '../../demo/institute-server.ts'
import { connectRaw } from '../support/raw-client.ts'
import { startRelay } from '../support/relay.ts'
import { endpointOf, openSession, plainContent } from './support/mail.ts'

test('SIGTERM while one session is idle and another one sends its content', async () => {
  await using institute = await startInstituteServer({ mailboxes: 'all' })
  await using relay = await startRelay({
    domains: [{ domain: 'inst.example', to: endpointOf(institute) }],
  })
  await using idle = await openSession(relay)
  await using busy = await openSession(relay)
  await busy.command('MAIL FROM:<s@sender.example>', 250)
  await busy.command('RCPT TO:<a@inst.example>', 250)
  await busy.command('DATA', 354)
  await busy.send(plainContent)
  relay.signal('SIGTERM')
  assert.match(await idle.expect(), /^421 4\.3\.2 /)
  await idle.closed()
  await assert.rejects(connectRaw({ port: relay.port }), /ECONNREFUSED/)
  await busy.send('.\r\n')
  assert.match(await busy.expect(), /^250 /)
  assert.match(await busy.expect(), /^421 4\.3\.2 /)
  assert.equal(await relay.ended, 0)
  assert.equal(institute.mails.length, 1)
})

test('SIGTERM and a client that never ends: the deadline cuts it off', async () => {
  await using institute = await startInstituteServer({ mailboxes: 'all' })
  await using relay = await startRelay({
    domains: [{ domain: 'inst.example', to: endpointOf(institute) }],
    config: { limits: { drainTimeout: '1s' } },
  })
  await using stuck = await openSession(relay)
  await stuck.command('MAIL FROM:<s@sender.example>', 250)
  await stuck.command('RCPT TO:<a@inst.example>', 250)
  await stuck.command('DATA', 354)
  relay.signal('SIGTERM')
  assert.equal(await relay.ended, 0)
  assert.equal(institute.mails.length, 0)
})

test('SIGHUP: limits change for the next session; a broken file changes nothing and is said', async () => {
  await using institute = await startInstituteServer({ mailboxes: 'all' })
  await using relay = await startRelay({
    domains: [{ domain: 'inst.example', to: endpointOf(institute) }],
  })
  const before = parse(await readFile(relay.configFile, 'utf8')) as Record<string, unknown>
  await using old = await openSession(relay)
  await writeFile(
    relay.configFile,
    stringify({ ...before, limits: { maxRecipients: 120 }, dns: { attempts: 3 } }),
  )
  relay.signal('SIGHUP')
  const reloaded = await relay.waitForEvent((event) => event['event'] === 'config-reloaded')
  assert.deepEqual(reloaded['needsRestart'], ['dns'])
  await using next = await connectRaw({ port: relay.port })
  assert.match(await next.expect(), /^220 mailrelay1\.example\.org /)
  assert.match(await next.command('EHLO x.example'), /LIMITS RCPTMAX=120 /)
  assert.match(await old.command('EHLO x.example'), /LIMITS RCPTMAX=100 /)
  await writeFile(relay.configFile, 'hostnam: x\n')
  relay.signal('SIGHUP')
  const failed = await relay.waitForEvent((event) => event['event'] === 'config-reload-failed')
  assert.match(JSON.stringify(failed['problems']), /hostname/)
  await using later = await openSession(relay)
  await later.command('QUIT', 221)
})
