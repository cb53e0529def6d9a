// A real Postfix that trusts the relay: with XCLIENT it logs, traces and judges the client, not the relay, and
// each mail its own.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { connectRaw } from '../support/raw-client.ts'
import { startDnsServer } from '../support/dns-server.ts'
import { startRelay, type TestRelay } from '../support/relay.ts'
import { sendMail, type SentMail } from '../e2e/support/mail.ts'
import { startPostfixInstitute } from './support/postfix.ts'
import { findPrograms, prefixOf, skipReason } from './support/programs.ts'

const programs = findPrograms()
const skip = skipReason(programs, 'postfix')

/** A mail of that client, as a proxy in front of the relay would bring it. */
async function sendAs(relay: TestRelay, client: string, to: string): Promise<SentMail> {
  await using raw = await connectRaw({ port: relay.port, deadlineMs: 20_000 })
  await raw.send(`PROXY TCP4 ${client} 192.0.2.1 40112 25\r\n`)
  await raw.expect(220)
  await raw.command('EHLO client.sender.example', 250)
  const content = `Subject: from ${client}\r\n\r\nText.\r\n`
  return await sendMail(raw, { from: `s@${client.replaceAll('.', '-')}.example`, to, content })
}

test('relay → XCLIENT → postfix', { skip, timeout: 120_000 }, async (t) => {
  await using stack = new AsyncDisposableStack()
  const institute = stack.use(
    await startPostfixInstitute(
      prefixOf(programs, 'postfix'),
      { domain: 'inst.example', mailboxes: ['alice'] },
      [
        'smtpd_authorized_xclient_hosts = 127.0.0.1',
        'smtpd_client_restrictions = check_client_access inline:{ {203.0.113.66 = 554 5.7.1 not you} }',
        'smtpd_helo_required = yes',
      ],
    ),
  )
  const dns = await startDnsServer({
    'mx.sender.example': { a: ['203.0.113.9'] },
    '9.113.0.203.in-addr.arpa': { ptr: ['mx.sender.example'] },
    // A name that anybody can claim, and that leads elsewhere.
    '10.113.0.203.in-addr.arpa': { ptr: ['mx.sender.example'] },
  })
  stack.defer(() => dns.close())
  const relay = stack.use(
    await startRelay({
      domains: [{ domain: 'inst.example', to: `127.0.0.1:${institute.port}`, xclient: true }],
      config: {
        listen: [{ address: '127.0.0.1', port: 0, proxy: ['127.0.0.1'] }],
        dns: { servers: [dns.address], timeout: '500ms', attempts: 1 },
      },
    }),
  )

  await t.test('the client is in its log and trace field, and so is the next one', async () => {
    for (const client of ['203.0.113.9', '203.0.113.10', '203.0.113.9']) {
      assert.match((await sendAs(relay, client, 'alice@inst.example')).final ?? '', /^250 /)
    }
    const mails = await institute.waitForMails(3, 10_000)
    const traces = mails.map(
      ({ headers }) => /^Received: from ([^\n]*)\n/m.exec(headers)?.[1] ?? '',
    )
    assert.deepEqual(traces.sort(), [
      'client.sender.example (mx.sender.example [203.0.113.9])',
      'client.sender.example (mx.sender.example [203.0.113.9])',
      'client.sender.example (unknown [203.0.113.10])',
    ])
    assert.match(institute.log(), /client=mx\.sender\.example\[203\.0\.113\.9\]/)
  })

  await t.test(
    'a client the institute does not want is refused by the institute, for now',
    async () => {
      const sent = await sendAs(relay, '203.0.113.66', 'alice@inst.example')
      assert.match(sent.final ?? '', /^[45]\d\d .*not you/)
      assert.equal(institute.received().length, 3)
      assert.match((await sendAs(relay, '203.0.113.9', 'alice@inst.example')).final ?? '', /^250 /)
    },
  )

  await t.test('questions are the relay’s own', () => {
    assert.match(institute.log(), /connect from (?:unknown|localhost)\[127\.0\.0\.1\]/)
    assert.doesNotMatch(institute.log(), /NOQUEUE: .*improper command pipelining/)
  })
})
