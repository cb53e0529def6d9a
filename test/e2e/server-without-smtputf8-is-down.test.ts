// What a server was measured not to offer is known when it cannot be asked: such mail stays with its sender,
// and is not kept for a server that will not take it. Everything else is kept as in any outage.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { startInstituteServer } from '../../demo/institute-server.ts'
import { startRelay } from '../support/relay.ts'
import { temporaryFolder } from '../support/temporary-folder.ts'
import { endpointOf, sendOneMail } from './support/mail.ts'
import { fatesOf, makeKnown, quick } from './support/outage.ts'

test('measured, restarted, down: 451 for SMTPUTF8, 250 for the rest', async () => {
  await using folder = await temporaryFolder()
  await using institute = await startInstituteServer({
    mailboxes: ['known@old.example'],
    extensions: { smtpUtf8: false },
  })
  const domains = [{ domain: 'old.example', to: endpointOf(institute) }]
  const options = { folder: folder.path, config: quick }
  {
    await using relay = await startRelay({ ...options, domains })
    await makeKnown(relay, ['known@old.example'])
    const saved = await relay.pforte(
      'check',
      '127.0.0.1',
      '--port',
      String(institute.port),
      '--domain',
      'old.example',
      '--only',
      'cap-smtputf8',
      '--save',
    )
    assert.equal(saved.exitCode, 0, saved.stdout + saved.stderr)
    assert.match(saved.stderr, /^old\.example: SMTPUTF8 no, from now on$/m)
    relay.signal('SIGTERM')
    await relay.ended
  }
  await institute.pause()
  // It has never seen the server's EHLO.
  await using relay = await startRelay({ ...options, domains: [] })
  const smtpUtf8 = { to: 'known@old.example', parameters: ' SMTPUTF8' }
  const deferred = await sendOneMail(relay, smtpUtf8)
  assert.match(deferred.recipients[0] ?? '', /^451 4\.4\.1 /)
  const kept = await sendOneMail(relay, { to: 'known@old.example' })
  assert.match(kept.final ?? '', /^250 .*taken over/)
  assert.deepEqual(fatesOf(relay), ['known@old.example'])

  // What was measured is not for ever: the server's own word counts as soon as there is one.
  await institute.close()
  await using modern = await startInstituteServer({
    port: institute.port,
    mailboxes: ['known@old.example'],
  })
  await modern.waitForMails(1, 20_000)
  const taken = await sendOneMail(relay, smtpUtf8)
  assert.match(taken.final ?? taken.recipients[0] ?? '', /^250 /)
  assert.match(modern.mails.at(-1)?.mailParameters ?? '', /SMTPUTF8/)

  // A person's word counts whatever the server says.
  await relay.pforte('domain', 'set', 'old.example', '--smtputf8', 'off')
  await relay.waitForEvent(({ event }) => event === 'registry-changed')
  assert.match((await sendOneMail(relay, smtpUtf8)).recipients[0] ?? '', /^553 5\.6\.7 /)
  assert.equal(modern.mails.length, 2)
})
