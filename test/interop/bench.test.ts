// The control of the interop tests: the same programs, mails and comparisons without the relay between
// them. What fails here is the bench's fault; what fails only in relay.test.ts is the relay's.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  addressed,
  assertArrived,
  domain,
  institutes,
  mailboxes,
  mails,
  senders,
  toStranger,
} from './support/matrix.ts'
import { startOpenSmtpdInstitute } from './support/opensmtpd.ts'
import { startPostfixInstitute } from './support/postfix.ts'
import { findPrograms, prefixOf, skipReason } from './support/programs.ts'
import { sendWithSwaks } from './support/swaks.ts'

const programs = findPrograms()

for (const { name, start, refusal } of institutes) {
  const skip = skipReason(programs, 'swaks', name)
  test(`swaks → ${name}`, { skip, timeout: 120_000 }, async (context) => {
    const swaks = prefixOf(programs, 'swaks')
    await using institute = await start(prefixOf(programs, name), { domain, mailboxes })
    for (const mail of mails) {
      await context.test(mail.name, async () => {
        const sent = addressed(mail, 'swaks')
        const { exitCode, transcript } = await sendWithSwaks(swaks, institute.port, sent)
        assert.equal(exitCode, 0, transcript)
        await assertArrived(institute, mail, sent)
      })
    }
    await context.test('unknown recipient', async () => {
      const result = await sendWithSwaks(swaks, institute.port, toStranger('swaks'))
      assert.equal(result.exitCode, 24, result.transcript)
      assert.match(result.transcript, refusal)
    })
  })
}

for (const { name, start } of senders) {
  const skip = skipReason(programs, 'postfix', name)
  test(`${name} → postfix`, { skip, timeout: 120_000 }, async (context) => {
    const postfix = prefixOf(programs, 'postfix')
    await using institute = await startPostfixInstitute(postfix, { domain, mailboxes })
    await using sender = await start(prefixOf(programs, name), { relayPort: institute.port })
    for (const mail of mails) {
      await context.test(mail.name, async () => {
        const sent = addressed(mail, name)
        const { outcome, log } = await sender.send(sent)
        assert.equal(outcome, 'sent', log)
        await assertArrived(institute, mail, sent)
      })
    }
    await context.test('unknown recipient', async () => {
      const { outcome, log } = await sender.send(toStranger(name))
      assert.equal(outcome, 'bounced', log)
      assert.match(log, /User unknown in virtual mailbox table/)
    })
  })
}

test(
  'OpenSMTPD with a virtual table for the whole domain refuses strangers with a status of mailing lists',
  { skip: skipReason(programs, 'swaks', 'opensmtpd'), timeout: 60_000 },
  async () => {
    await using institute = await startOpenSmtpdInstitute(prefixOf(programs, 'opensmtpd'), {
      domain,
      mailboxes,
      strangers: 'unexpanded',
    })
    const swaks = prefixOf(programs, 'swaks')
    const { exitCode, transcript } = await sendWithSwaks(swaks, institute.port, toStranger('swaks'))
    assert.equal(exitCode, 24, transcript)
    assert.match(transcript, /524 5\.2\.4 Mailing list expansion problem/)
  },
)
