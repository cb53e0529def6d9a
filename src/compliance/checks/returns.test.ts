// What comes back: servers that accept and then send something to a real catcher, or that ask back.

import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import {
  describeCheck,
  examine,
  examinedServer,
  goodRcpt,
  site,
  type ExaminedOptions,
  type ExaminedState,
} from '../../../test/support/examined-server.ts'
import { startScriptedServer } from '../../../test/support/hostile-server.ts'
import { sendBack, type SentBack } from '../../../test/support/send-back.ts'
import { startTestCatcher } from '../../../test/support/test-catcher.ts'
import { catalogue } from '#compliance/catalogue.ts'
import type { Finding } from '#compliance/check.ts'
import type { Catching } from '#compliance/compliance.ts'
import { dataClean } from './data-clean/check.ts'
import { dataVirus } from './data-virus/check.ts'
import { deliveryConfirmed } from './delivery-confirmed/check.ts'
import { noBackscatterLongtail } from './no-backscatter-longtail/check.ts'
import { noBackscatterUnknown } from './no-backscatter-unknown/check.ts'
import { noSenderCallback } from './no-sender-callback/check.ts'
import { noSilentDiscard } from './no-silent-discard/check.ts'
import { rcptLateRejection } from './rcpt-late-rejection/check.ts'

const catcher = await startTestCatcher()
after(() => catcher[Symbol.asyncDispose]())

const maySend = true
const acceptsAll: ExaminedOptions = { rcpt: () => '250 Ok', final: () => '250 2.0.0 Ok' }

/** Accepts all, and sends that back for every mail. */
function returning(what: SentBack): ExaminedOptions {
  return {
    rcpt: () => '250 Ok',
    final: async (_content, { from }: ExaminedState) => {
      await sendBack(catcher.port, from, what)
      return '250 2.0.0 Ok'
    },
  }
}

/** Nobody knows yet whether they exist. */
const defersUnknown: ExaminedOptions = {
  rcpt: (to) => (goodRcpt(to).startsWith('250') ? goodRcpt(to) : '450 4.2.0 Directory is away'),
  final: () => '250 Ok',
}

function noFinalReply({ summary }: Finding): void {
  assert.match(summary.en, /^No final reply to RCPT for unknown ones: 450 4\.2\.0 Directory/)
  assert.match(summary.de, /^Keine endgültige Antwort auf RCPT für Unbekannte: 450/)
}

function saysSo(finding: Finding): void {
  assert.match(finding.summary.en, /this proves nothing/)
  assert.match(finding.summary.de, /das beweist nichts/)
}

describeCheck(noBackscatterUnknown, [
  {
    name: 'refused at RCPT: nothing is sent',
    server: { final: () => '250 Ok' },
    maySend,
    catching: catcher.beginRun(),
    kind: 'met',
    also: (_finding, _report, server) =>
      assert.ok(server.connections.every(({ contents }) => contents.length === 0)),
  },
  {
    name: 'deferred at RCPT: that is no refusal',
    server: defersUnknown,
    maySend,
    catching: catcher.beginRun(),
    kind: 'undetermined',
    subtype: 'no-final-reply',
    also: noFinalReply,
  },
  {
    name: 'accepted, and bounced',
    server: returning('failed'),
    maySend,
    catching: catcher.beginRun(),
    kind: 'violated',
    subtype: 'bounced',
    also: ({ summary, facts }) => {
      assert.match(summary.en, /came back as undeliverable after [\d.]+ s: .*550 5\.1\.1/)
      assert.match(Object.values(facts).join(), /Reporting-MTA: dns; mail\.inst\.example/)
      // Whom the server has forwarded to is nobody's business.
      assert.doesNotMatch(JSON.stringify([summary, facts]), /private\.person/)
    },
  },
  {
    name: 'accepted, and nothing came: never met',
    server: acceptsAll,
    maySend,
    catching: catcher.beginRun(),
    kind: 'undetermined',
    subtype: 'nothing-so-far',
    also: saysSo,
  },
  {
    name: 'a delay is no failure yet',
    server: returning('delayed'),
    maySend,
    catching: catcher.beginRun(),
    kind: 'undetermined',
    subtype: 'reported',
  },
  {
    name: 'an automatic reply is no bounce',
    server: returning('vacation'),
    maySend,
    catching: catcher.beginRun(),
    kind: 'undetermined',
    subtype: 'nothing-so-far',
  },
  {
    name: 'without a catcher',
    server: acceptsAll,
    maySend,
    kind: 'not-applicable',
    subtype: 'needs-catcher',
  },
  {
    name: 'without consent',
    server: acceptsAll,
    catching: catcher.beginRun(),
    kind: 'not-applicable',
    subtype: 'needs-send',
    also: (_finding, _report, server) => assert.equal(server.connections.length, 0),
  },
])

describeCheck(rcptLateRejection, [
  {
    name: 'refused at RCPT',
    server: { final: () => '250 Ok' },
    maySend,
    catching: catcher.beginRun(),
    kind: 'met',
  },
  {
    name: 'deferred at RCPT: that is no refusal',
    server: defersUnknown,
    maySend,
    kind: 'undetermined',
    subtype: 'no-final-reply',
    also: noFinalReply,
  },
  {
    name: 'accepted, and bounced',
    server: returning('failed'),
    maySend,
    catching: catcher.beginRun(),
    kind: 'violated',
    subtype: 'accept-then-bounce',
  },
  {
    name: 'accepted, and nothing came',
    server: acceptsAll,
    maySend,
    catching: catcher.beginRun(),
    kind: 'undetermined',
    subtype: 'catch-all-bounce-or-discard',
    also: saysSo,
  },
])

/** The mails of these are what comes back, or does not. */
const besides = [dataClean, dataVirus]

describeCheck(noBackscatterLongtail, [
  {
    name: 'no mail was accepted',
    server: { final: () => '250 Ok' },
    maySend,
    catching: catcher.beginRun(),
    kind: 'not-applicable',
    subtype: 'nothing-accepted',
  },
  {
    name: 'a filter that bounces; the check whose mail it was is named, with its excerpt',
    server: {
      final: async (content, { from }) => {
        if (content.includes('eicar')) await sendBack(catcher.port, from, 'failed')
        return '250 Ok'
      },
    },
    besides,
    maySend,
    catching: catcher.beginRun(),
    kind: 'violated',
    subtype: 'bounced',
    also: ({ summary, evidence }) => {
      assert.match(summary.en, /^data-virus: came back/)
      assert.doesNotMatch(summary.en, /data-clean/)
      assert.equal(evidence.length, 2) // as it is, and in an archive
    },
  },
  {
    name: 'silence is never met, and does not keep a server from being served',
    server: { final: () => '250 Ok' },
    besides,
    maySend,
    catching: catcher.beginRun(),
    kind: 'undetermined',
    subtype: 'nothing-so-far',
    also: (finding) => {
      saysSo(finding)
      assert.equal(finding.severity, 'info')
    },
  },
])

/** Somebody says something of the mails while they come in. */
function saying(say: (run: Catching, content: string) => Promise<void> | void): {
  readonly catching: Catching
  readonly server: ExaminedOptions
} {
  const catching = catcher.beginRun()
  const final = async (content: Buffer): Promise<string> => {
    await say(catching, content.toString('latin1'))
    return '250 2.0.0 Ok'
  }
  return { catching, server: { final } }
}
const missing = (): ReturnType<typeof saying> =>
  saying(({ run }) => assert.ok(catcher.store.missing(run, Date.now())))
const confirmed = (): ReturnType<typeof saying> =>
  saying((run, content) => {
    const code = /^code (\w+)\r$/m.exec(content)?.[1]
    // The plain mail has it, and no other.
    assert.equal(code === undefined, content.includes('eicar'))
    if (code !== undefined) assert.equal(catcher.store.confirm(code, Date.now()), run.run)
  })

describeCheck(noSilentDiscard, [
  { name: 'it has arrived', ...confirmed(), besides, maySend, kind: 'met' },
  { name: 'it has not', ...missing(), besides, maySend, kind: 'violated', subtype: 'vanished' },
  {
    name: 'nobody has said anything',
    server: { final: () => '250 Ok' },
    besides,
    maySend,
    catching: catcher.beginRun(),
    kind: 'undetermined',
    subtype: 'nobody-said',
  },
])

describeCheck(deliveryConfirmed, [
  { name: 'by its code', ...confirmed(), besides, maySend, kind: 'met' },
  {
    name: 'by a reply that leaves the code in',
    server: {
      final: async (content, { from }) => {
        const code = /^code (\w+)\r$/m.exec(content.toString('latin1'))?.[1]
        await sendBack(catcher.port, from, { reply: `> code ${code ?? ''}` })
        return '250 Ok'
      },
    },
    besides,
    maySend,
    catching: catcher.beginRun(),
    kind: 'met',
  },
  {
    name: 'it is missing',
    ...missing(),
    besides,
    maySend,
    kind: 'violated',
    subtype: 'not-arrived',
  },
  {
    name: 'a reply without the code proves nothing',
    server: returning({ reply: 'Thank you.' }),
    besides,
    maySend,
    catching: catcher.beginRun(),
    kind: 'undetermined',
    subtype: 'not-confirmed',
    also: ({ severity }) => assert.equal(severity, 'info'),
  },
])

describeCheck(noSenderCallback, [
  {
    name: 'a sender that does not exist is accepted, and nobody asks',
    server: {},
    catching: catcher.beginRun(),
    kind: 'met',
  },
  {
    name: 'asks back, and refuses who does not answer',
    server: {
      rcpt: async (to, { from }) =>
        (await sendBack(catcher.port, from, 'callback')).startsWith('250')
          ? goodRcpt(to)
          : '550 Sender verify failed',
    },
    catching: catcher.beginRun(),
    kind: 'violated',
    subtype: 'callback',
    also: ({ severity, facts }) => {
      assert.equal(severity, undefined) // a must
      assert.match(Object.values(facts).join(), /callback after/)
    },
  },
  {
    name: 'asks back, and accepts all the same: less bad',
    server: {
      rcpt: async (to, { from }) => {
        await sendBack(catcher.port, from, 'callback')
        return goodRcpt(to)
      },
    },
    catching: catcher.beginRun(),
    kind: 'violated',
    subtype: 'callback',
    also: ({ severity }) => assert.equal(severity, 'should'),
  },
])

test('with a catcher, and without consent, nothing is sent either', async () => {
  const server = await startScriptedServer(examinedServer({ ...acceptsAll, rcpt: goodRcpt }))
  const sending = catalogue.filter(({ needs }) => needs.includes('send'))
  const report = await examine(sending, server.port, {
    target: { existing: [site.existing] },
    catching: catcher.beginRun(),
  })
  assert.ok(report.outcomes.every(({ finding }) => finding.subtype === 'needs-send'))
  assert.equal(server.connections.length, 0)
  await server.close()
})
