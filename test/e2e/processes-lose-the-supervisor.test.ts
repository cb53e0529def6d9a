// The supervisor is killed: the others finish the mails they have, also one that needs the spool, and end.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { startInstituteServer } from '../../demo/institute-server.ts'
import { connectRaw } from '../support/raw-client.ts'
import { endpointOf, openSession, until } from './support/mail.ts'
import { contentNamed, fatesOf, makeKnown, quick } from './support/outage.ts'
import { onlyThrough, runningPids, startProcesses } from './support/processes.ts'

test('the supervisor is killed while two mails are under way', async () => {
  await using institute = await startInstituteServer({ mailboxes: ['a@inst.example'] })
  await using relay = await startProcesses({
    domains: [{ domain: 'inst.example', to: endpointOf(institute) }],
    config: quick,
  })
  await makeKnown(relay, ['a@inst.example'])
  // Hangs at the end of the content, and at MAIL for whoever connects later.
  institute.setScript({ delayMs: { final: 700 } })
  await using first = await onlyThrough(relay, 'worker-1', () => openSession(relay))
  await using second = await onlyThrough(relay, 'worker-2', () => openSession(relay))
  for (const client of [first, second]) {
    await client.command('MAIL FROM:<s@sender.example>', 250)
    await client.command('RCPT TO:<a@inst.example>', 250)
    await client.command('DATA', 354)
  }
  await first.send(`${contentNamed('first')}.\r\n`)
  await until(() => institute.commandTexts.filter((text) => text === 'DATA').length === 2)
  relay.signal('SIGKILL')
  await relay.ended
  await first.expect(250)
  await institute.pause()
  await second.send(`${contentNamed('second')}.\r\n`)
  assert.match(await second.expect(), /^250 /)
  assert.deepEqual(fatesOf(relay), ['a@inst.example'])

  await until(() => runningPids(relay).length === 0, 15_000)
  await assert.rejects(connectRaw({ port: relay.port }), { code: 'ECONNREFUSED' })
})
