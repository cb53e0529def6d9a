// What a stop and a reload do to mails under way and to the sessions after them.

import assert from 'node:assert/strict'
import { readFile, writeFile } from 'node:fs/promises'
import { test } from 'node:test'
import { parse, stringify } from 'yaml'
import { startInstituteServer } from '../../demo/institute-server.ts'
import type { RawClient } from '../support/raw-client.ts'
import { startRelay, type TestRelay } from '../support/relay.ts'
import { endpointOf, openSession, plainContent, until } from './support/mail.ts'

test('SIGTERM while an institute takes its time over the content: the client hears its answer', async () => {
  await using institute = await startInstituteServer({
    mailboxes: 'all',
    delayMs: { final: 600 },
  })
  await using relay = await startRelay({
    domains: [{ domain: 'inst.example', to: endpointOf(institute) }],
  })
  await using client = await openSession(relay)
  await client.command('MAIL FROM:<s@sender.example>', 250)
  await client.command('RCPT TO:<a@inst.example>', 250)
  await client.command('DATA', 354)
  await client.send(`${plainContent}.\r\n`)
  await until(() => institute.commandTexts.includes('DATA'))
  relay.signal('SIGTERM')
  assert.match(await client.expect(), /^250 /)
  assert.match(await client.expect(), /^421 4\.3\.2 /)
  await client.closed()
  assert.equal(await relay.ended, 0)
  assert.equal(institute.mails.length, 1)
})

test('SIGTERM between RCPT and DATA: 421, and nothing is delivered', async () => {
  await using institute = await startInstituteServer({ mailboxes: 'all' })
  await using relay = await startRelay({
    domains: [{ domain: 'inst.example', to: endpointOf(institute) }],
  })
  await using client = await openSession(relay)
  await client.command('MAIL FROM:<s@sender.example>', 250)
  await client.command('RCPT TO:<a@inst.example>', 250)
  relay.signal('SIGTERM')
  assert.match(await client.expect(), /^421 4\.3\.2 /)
  await client.closed()
  assert.equal(await relay.ended, 0)
  assert.equal(institute.mails.length, 0)
})

test('SIGHUP: the next session is held to the new limit, also after a broken file', async () => {
  await using institute = await startInstituteServer({ mailboxes: 'all' })
  await using relay = await startRelay({
    domains: [{ domain: 'inst.example', to: endpointOf(institute) }],
  })
  await using old = await openSession(relay)
  const before = parse(await readFile(relay.configFile, 'utf8')) as Record<string, unknown>
  await writeFile(relay.configFile, stringify({ ...before, limits: { maxRecipients: 103 } }))
  relay.signal('SIGHUP')
  await relay.waitForEvent((event) => event['event'] === 'config-reloaded')
  assert.equal(await takenOf(old, 105), 100)
  assert.equal(await takenInNewSession(relay), 103)
  await writeFile(relay.configFile, 'limits: { maxRecipients: 104\n')
  relay.signal('SIGHUP')
  await relay.waitForEvent((event) => event['event'] === 'config-reload-failed')
  assert.equal(await takenInNewSession(relay), 103)
})

async function takenInNewSession(relay: TestRelay): Promise<number> {
  await using client = await openSession(relay)
  return await takenOf(client, 105)
}

/** Names that many recipients in one transaction; the first ones get 250, all the others 452 4.5.3. */
async function takenOf(client: RawClient, count: number): Promise<number> {
  await client.command('MAIL FROM:<s@sender.example>', 250)
  const names = Array.from({ length: count }, (_, index) => `RCPT TO:<r${index}@inst.example>\r\n`)
  await client.send(names.join(''))
  const replies = await client.readReplies(count)
  const taken = replies.filter((reply) => reply.startsWith('250 ')).length
  assert.ok(replies.slice(0, taken).every((reply) => reply.startsWith('250 ')))
  for (const reply of replies.slice(taken)) assert.match(reply, /^452 4\.5\.3 /)
  return taken
}
