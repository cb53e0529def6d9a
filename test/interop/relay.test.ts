// Real mail servers on both sides of the relay: whatever sends and whatever receives, the mail arrives
// unharmed, and a stranger is refused in the session with the institute's own words.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { startRelay, type TestRelay } from '../support/relay.ts'
import type { InstituteServer, ReceivedMail } from './support/institute.ts'
import {
  addressed,
  assertArrived,
  domain,
  institutes,
  mailboxes,
  mails,
  senders,
  stranger,
  toStranger,
} from './support/matrix.ts'
import { startOpenSmtpdInstitute } from './support/opensmtpd.ts'
import { startPostfixInstitute } from './support/postfix.ts'
import { findPrograms, prefixOf, skipReason } from './support/programs.ts'
import { sendWithSwaks } from './support/swaks.ts'

const programs = findPrograms()

async function startRelayTo(institute: InstituteServer): Promise<TestRelay> {
  return startRelay({ domains: [{ domain, to: `127.0.0.1:${institute.port}` }] })
}

function assertTraced(arrived: readonly ReceivedMail[]): void {
  for (const { headers } of arrived)
    assert.match(headers, /^Received: [^\n]*\n?[^:]*by mailrelay1\.example\.org/m)
}

for (const { name, start, refusal } of institutes) {
  const skip = skipReason(programs, 'swaks', name)
  test(`swaks → relay → ${name}`, { skip, timeout: 120_000 }, async (context) => {
    const swaks = prefixOf(programs, 'swaks')
    await using institute = await start(prefixOf(programs, name), { domain, mailboxes })
    await using relay = await startRelayTo(institute)
    for (const mail of mails) {
      await context.test(mail.name, async () => {
        const sent = addressed(mail, 'swaks')
        const { exitCode, transcript } = await sendWithSwaks(swaks, relay.port, sent)
        assert.equal(exitCode, 0, transcript)
        assertTraced(await assertArrived(institute, mail, sent))
      })
    }
    await context.test('unknown recipient', async () => {
      const { exitCode, transcript } = await sendWithSwaks(swaks, relay.port, toStranger('swaks'))
      assert.equal(exitCode, 24, transcript)
      assert.match(transcript, /^<\*\* +550 5\.1\.1 /m)
      assert.match(transcript, refusal)
    })
    await context.test('one recipient known, one unknown', async () => {
      const [mail] = mails
      assert.ok(mail)
      const sent = addressed(mail, 'swaks.mixed')
      const both = { ...sent, to: [...sent.to, stranger] }
      const { exitCode, transcript } = await sendWithSwaks(swaks, relay.port, both)
      assert.equal(exitCode, 0, transcript)
      assert.match(transcript, refusal)
      await assertArrived(institute, mail, sent)
    })
  })
}

for (const { name, start } of senders) {
  const skip = skipReason(programs, 'postfix', name)
  test(`${name} → relay → postfix`, { skip, timeout: 120_000 }, async (context) => {
    const postfix = prefixOf(programs, 'postfix')
    await using institute = await startPostfixInstitute(postfix, { domain, mailboxes })
    await using relay = await startRelayTo(institute)
    await using sender = await start(prefixOf(programs, name), { relayPort: relay.port })
    for (const mail of mails) {
      await context.test(mail.name, async () => {
        const sent = addressed(mail, name)
        const { outcome, log } = await sender.send(sent)
        assert.equal(outcome, 'sent', log)
        if (name === 'exim') assert.match(log, / K /, 'it did not send BDAT')
        assertTraced(await assertArrived(institute, mail, sent))
      })
    }
    await context.test('unknown recipient', async () => {
      const { outcome, log } = await sender.send(toStranger(name))
      assert.equal(outcome, 'bounced', log)
      assert.match(log, /User unknown in virtual mailbox table/)
    })
    await context.test('nothing it said was wrong or out of turn', () => {
      assert.deepEqual(relay.events('protocol-error'), [])
    })
  })
}

// OpenSMTPD's words for "nobody there" behind a virtual table; bench.test.ts shows them without the relay.
test(
  'swaks → relay → opensmtpd with a virtual table: the stranger is refused, not deferred',
  { skip: skipReason(programs, 'swaks', 'opensmtpd'), timeout: 60_000 },
  async () => {
    await using institute = await startOpenSmtpdInstitute(prefixOf(programs, 'opensmtpd'), {
      domain,
      mailboxes,
      strangers: 'unexpanded',
    })
    await using relay = await startRelayTo(institute)
    const swaks = prefixOf(programs, 'swaks')
    const { exitCode, transcript } = await sendWithSwaks(swaks, relay.port, toStranger('swaks'))
    assert.equal(exitCode, 24, transcript)
    assert.match(transcript, /^<\*\* +5\d\d .*Mailing list expansion problem/m)
  },
)
