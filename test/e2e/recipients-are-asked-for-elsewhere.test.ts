// Where and with which sender a domain's recipients are asked for: another port than the mail's, and a mailbox
// where the null reverse-path gets another answer than a mail would.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { startInstituteServer } from '../../demo/institute-server.ts'
import { startScriptedServer } from '../support/hostile-server.ts'
import { startRelay } from '../support/relay.ts'
import { endpointOf, sendOneMail } from './support/mail.ts'

const mailbox = 'MAIL FROM:<postmaster@mailrelay1.example.org>'

test('the callout port with the callout sender, and the mail to the other one', async () => {
  await using mailServer = await startInstituteServer()
  // Takes <> at MAIL, and then knows nobody: only the profile can tell.
  await using callout = await startScriptedServer(async (connection) => {
    await connection.send('220 callout.example\r\n')
    let isNull = false
    for (;;) {
      const line = await connection.expect(/^/)
      if (line.startsWith('MAIL')) isNull = line.startsWith('MAIL FROM:<>')
      const isRefused =
        line.startsWith('RCPT') && (isNull || /nobody|pforte|[0-9a-f]{12}/.test(line))
      await connection.send(isRefused ? '550 5.1.1 User unknown\r\n' : '250 2.0.0 Ok\r\n')
    }
  })
  await using relay = await startRelay({
    domains: [
      {
        domain: 'inst.example',
        to: endpointOf(mailServer),
        callout: endpointOf(callout),
        calloutSender: 'mailbox',
      },
    ],
  })
  const sent = await sendOneMail(relay, { to: 'a@inst.example' })
  assert.match(sent.final ?? sent.recipients[0] ?? '', /^250 /)
  assert.match(
    (await sendOneMail(relay, { to: 'nobody@inst.example' })).recipients[0] ?? '',
    /^550 5\.1\.1 /,
  )
  const questions = callout.lines.filter((line) => line.startsWith('MAIL'))
  assert.ok(questions.length >= 2)
  assert.ok(
    questions.every((line) => line.startsWith(mailbox)),
    questions.join(),
  )
  assert.equal(callout.lines.filter((line) => line === 'DATA').length, 0)
  assert.equal(mailServer.mails.length, 1)
  assert.equal(mailServer.commandTexts.filter((text) => text.startsWith('RCPT')).length, 1)

  // Taken back: asked as everywhere.
  const set = await relay.pforte('domain', 'set', 'inst.example', '--callout-sender', 'null-path')
  assert.equal(set.exitCode, 0, set.stderr)
  await relay.waitForEvent(({ event }) => event === 'registry-changed')
  const asked = await sendOneMail(relay, { to: 'fresh@inst.example' })
  assert.match(asked.recipients[0] ?? '', /^550 5\.1\.1 /)
  assert.ok(callout.lines.some((line) => line.startsWith('MAIL FROM:<>')))
})
