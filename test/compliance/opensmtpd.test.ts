// What `pforte check` says of OpenSMTPD, and whether its advice helps.

import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import type { Report } from '#compliance/compliance.ts'
import { findPrograms, prefixOf, skipReason } from '../interop/support/programs.ts'
import { createAuthority } from '../support/certificates.ts'
import { checkApplied } from './support/applied.ts'
import {
  assertFindings,
  assertGood,
  examine,
  mailHost,
  snippetsOf,
  testRows,
  type Row,
} from './support/examine.ts'
import { goodServers } from './support/good-servers.ts'
import {
  applyToOpenSmtpd,
  startExaminedOpenSmtpd,
  type OpenSmtpdConfiguration,
} from './support/opensmtpd.ts'

const programs = findPrograms('opensmtpd')
const skip = skipReason(programs, 'opensmtpd')
const authority = await createAuthority()
after(() => authority[Symbol.asyncDispose]())
const leaf = await authority.issue({ names: [mailHost] })
const ca = [authority.ca.certificate]
const files = { 'mail-fullchain.pem': leaf.certificate, 'mail.key': leaf.key }

const start = (configuration: OpenSmtpdConfiguration): ReturnType<typeof startExaminedOpenSmtpd> =>
  startExaminedOpenSmtpd(prefixOf(programs, 'opensmtpd'), { files, ...configuration })

const rows: readonly Row<OpenSmtpdConfiguration>[] = [
  {
    name: 'as it comes: 35 MB, 100 mails in a session, no TLS',
    configuration: {},
    ca,
    expected: {
      'rcpt-existing-accepted': 'met',
      'rcpt-unknown-rejected': 'met',
      'rcpt-unknown-permanent': 'met',
      'rcpt-unknown-code': 'met',
      'size-ehlo': 'violated too-small',
      'size-headroom': 'violated no-headroom',
      'session-reuse': 'met',
      'no-rate-limit-messages': 'met',
      'starttls-offered': 'violated',
    },
    remedied: ['size-ehlo', 'size-headroom'],
  },
  {
    name: 'the domain is missing',
    configuration: { matches: ['match from any for domain "elsewhere.example" action "local"'] },
    expected: { 'rcpt-existing-accepted': 'violated' },
    remedied: ['rcpt-existing-accepted'],
  },
  {
    name: 'everybody is accepted, the mailbox is looked for later',
    configuration: {
      matches: [
        'action "relay" relay host smtp://127.0.0.1:9',
        'match from any for domain "inst.example" action "relay"',
      ],
    },
    expected: { 'rcpt-unknown-rejected': 'violated accepts-unknown' },
    remedied: ['rcpt-unknown-rejected'],
  },
  {
    name: 'it relays for everybody',
    configuration: {
      matches: [
        'match from any for domain "inst.example" rcpt-to <recipients> action "local"',
        'action "relay" relay',
        'match from any for any action "relay"',
      ],
    },
    expected: { 'open-relay': 'undetermined suspect' },
  },
  {
    name: 'nobody is postmaster: no alias, not on the list of recipients',
    configuration: {
      aliases: ['anna'],
      matches: [
        'table few { "anna@inst.example" }',
        'match from any for domain "inst.example" rcpt-to <few> action "local"',
      ],
    },
    expected: { 'rcpt-existing-accepted': 'met', postmaster: 'violated refused' },
    remedied: ['postmaster'],
  },
  {
    name: 'postmaster without a domain is nobody',
    configuration: {},
    expected: { postmaster: 'violated without-domain' },
    remedied: ['postmaster'],
  },
  {
    name: 'only one of two relays may send',
    configuration: {
      matches: [
        'match from src "127.0.0.10" for domain "inst.example" rcpt-to <recipients> action "local"',
      ],
    },
    sources: ['127.0.0.11', '127.0.0.10'],
    expected: { 'relay-net-coverage': 'violated' },
    remedied: ['relay-net-coverage'],
  },
  {
    name: 'twenty recipients of a mail',
    configuration: { limits: ['smtp limit max-rcpt 20'] },
    maySend: true,
    expected: { 'rcpt-multi': 'violated few-recipients' },
    remedied: ['rcpt-multi'],
  },
  {
    name: 'a filter refuses contents',
    configuration: {
      limits: ['filter "no" phase commit match src { 127.0.0.0/8 } reject "550 This is spam"'],
      listen: 'filter "no"',
    },
    maySend: true,
    expected: { 'data-clean': 'violated data-rejection' },
    remedied: ['data-clean'],
  },
  {
    name: 'IPv6 in the DNS, but not at the server',
    configuration: {},
    addresses: { a: ['127.0.0.1'], aaaa: ['::1'] },
    expected: { 'tcp-connect-v4': 'met', 'tcp-connect-v6': 'violated' },
    remedied: ['tcp-connect-v6'],
  },
]

checkApplied(import.meta.filename)
testRows({ program: 'OpenSMTPD', skip, start, apply: applyToOpenSmtpd }, rows, () => {
  // Issue 1171 of OpenSMTPD: it changes a copy of the key only, so that with OpenSSL 3 there is none to sign with.
  test(
    'the advice on STARTTLS is taken, and no handshake succeeds',
    { timeout: 60_000 },
    async () => {
      const ids = ['starttls-offered', 'starttls-handshake']
      const examineWith = async (
        configuration: OpenSmtpdConfiguration,
      ): Promise<[Report, string]> => {
        await using server = await start(configuration)
        return [await examine(server, ids, { ca }), server.log()]
      }
      const [report] = await examineWith({})
      assertFindings(report, { 'starttls-offered': 'violated' })
      const snippets = snippetsOf(report, 'OpenSMTPD', ['starttls-offered'])
      assert.match(snippets.map(({ code }) => code).join('\n'), /OpenSMTPD 6\.8 fails/)
      const [after, log] = await examineWith(applyToOpenSmtpd({}, snippets))
      assertFindings(after, {
        'starttls-offered': 'met',
        'starttls-handshake': 'violated handshake-failed',
      })
      assert.match(log, /io-error: error:\w+:SSL routines::EVP lib/)
    },
  )

  test('the good control', { timeout: 90_000 }, async () => {
    await using server = await goodServers.opensmtpd.start(programs, leaf)
    const report = await examine(server, 'all', { ca, maySend: true })
    assertGood(report)
    // No setting of 6.8 changes these two.
    assertFindings(report, {
      postmaster: 'met',
      smuggling: 'violated lf-dot-lf',
      'starttls-offered': 'violated',
    })
  })
})
