// What `pforte check` says of Debian's Exim, and whether its advice helps.

import { after, test } from 'node:test'
import type { ShownSnippet } from '#compliance/report/remedies.ts'
import { findPrograms, prefixOf, skipReason } from '../interop/support/programs.ts'
import { createAuthority } from '../support/certificates.ts'
import { checkApplied } from './support/applied.ts'
import {
  assertFindings,
  assertGood,
  examine,
  mailHost,
  testRows,
  type Row,
} from './support/examine.ts'
import { applyToExim, startExaminedExim, type EximConfiguration } from './support/exim.ts'
import { goodServers } from './support/good-servers.ts'

const programs = findPrograms('exim', 'exim-debian')
const skip = skipReason(programs, 'exim', 'exim-debian')
const authority = await createAuthority()
after(() => authority[Symbol.asyncDispose]())
const leaf = await authority.issue({ names: [mailHost] })
const ca = [authority.ca.certificate]
const tlsFiles = { 'mail-fullchain.pem': leaf.certificate, 'mail.key': leaf.key }

const start = (configuration: EximConfiguration): ReturnType<typeof startExaminedExim> =>
  startExaminedExim(
    {
      exim: prefixOf(programs, 'exim'),
      configuration: prefixOf(programs, 'exim-debian'),
    },
    { ...configuration, files: { ...tlsFiles, ...configuration.files } },
  )

const rows: readonly Row<EximConfiguration>[] = [
  {
    name: 'as Debian installs it',
    configuration: {},
    ca,
    limits: { maxConnections: 22 },
    expected: {
      'rcpt-existing-accepted': 'met',
      'rcpt-unknown-rejected': 'met',
      'rcpt-unknown-permanent': 'met',
      'null-sender': 'met',
      postmaster: 'met',
      subaddressing: 'met',
      'rcpt-order-independence': 'violated errors-in-transaction',
      'size-ehlo': 'met',
      'size-headroom': 'violated no-headroom',
      'no-rate-limit-connections': 'violated connection-count',
      'no-rate-limit-messages': 'met',
      'session-reuse': 'met questions-limited',
      'starttls-handshake': 'met',
      'tls-chain': 'violated self-signed',
      'cap-smtputf8': 'met not-offered',
    },
    remedied: [
      'rcpt-order-independence',
      'size-headroom',
      'no-rate-limit-connections',
      'tls-chain',
    ],
  },
  {
    name: 'as Debian installs it, after DATA',
    configuration: {},
    maySend: true,
    expected: {
      'data-clean': 'met',
      'data-spam': 'met',
      'data-8bit': 'met',
      'data-long-line': 'violated data-rejection',
      'data-header-syntax': 'violated data-rejection',
    },
    remedied: ['data-long-line', 'data-header-syntax'],
  },
  {
    name: 'spam is refused after DATA',
    configuration: {
      macros: ['CHECK_DATA_LOCAL_ACL_FILE = CONFDIR/data_acl'],
      files: {
        data_acl:
          '  deny\n    condition = ${if match{$message_body}{XJS[*]C4JDBQADN1}}\n    message = This is spam\n',
      },
    },
    maySend: true,
    expected: { 'data-clean': 'met', 'data-spam': 'violated data-rejection' },
    remedied: ['data-spam'],
  },
  {
    name: 'twenty recipients of a mail, and VRFY',
    configuration: { main: ['recipients_max = 20', 'acl_smtp_vrfy = accept'] },
    maySend: true,
    expected: { 'rcpt-multi': 'violated few-recipients', 'vrfy-expn': 'violated' },
    remedied: ['rcpt-multi', 'vrfy-expn'],
  },
  {
    name: 'the domain is missing',
    configuration: { otherHostnames: 'elsewhere.example' },
    expected: { 'rcpt-existing-accepted': 'violated domain-not-hosted' },
    remedied: ['rcpt-existing-accepted'],
  },
  {
    name: 'an ACL accepts everybody',
    configuration: { acl: ['  accept', '    domains = +local_domains'] },
    expected: { 'rcpt-unknown-rejected': 'violated accepts-unknown', 'open-relay': 'undetermined' },
    remedied: ['rcpt-unknown-rejected'],
  },
  {
    // Debian's own ACL takes everything for postmaster.
    name: 'the alias of postmaster fails, and an ACL asks for everybody',
    configuration: {
      acl: ['  deny', '    domains = +local_domains', '    !verify = recipient'],
      aliases: 'anna: mail\npostmaster: :fail: write to the help desk\n',
    },
    expected: { 'rcpt-existing-accepted': 'met', postmaster: 'violated refused' },
    remedied: ['postmaster'],
  },
  {
    name: 'unknown recipients are deferred',
    configuration: {
      acl: ['  defer', '    domains = +local_domains', '    !verify = recipient'],
    },
    expected: { 'rcpt-unknown-permanent': 'violated tempfail-for-unknown' },
    remedied: ['rcpt-unknown-permanent'],
  },
  {
    name: 'one of two relays is on its black list',
    configuration: { files: { local_host_blacklist: '127.0.0.11\n' } },
    sources: ['127.0.0.11', '127.0.0.10'],
    expected: { 'client-policy': 'violated', 'relay-net-coverage': 'violated' },
    remedied: ['client-policy', 'relay-net-coverage'],
  },
  {
    // The reason is in its log only; the reply is "451 Temporary local problem".
    name: 'senders are called back, and cannot be',
    configuration: {
      files: { local_sender_callout: '*\n', hubbed_hosts: 'probe.example.org: 127.0.0.1::9\n' },
    },
    expected: { 'null-sender': 'met', 'no-sender-callback': 'undetermined other-reason' },
  },
  {
    name: 'IPv6 in the DNS, but not at the server',
    configuration: {},
    addresses: { a: ['127.0.0.1'], aaaa: ['::1'] },
    expected: { 'tcp-connect-v4': 'met', 'tcp-connect-v6': 'violated' },
    remedied: ['tcp-connect-v6'],
  },
  {
    name: 'STARTTLS is offered without a certificate',
    configuration: {
      macros: [
        'MAIN_TLS_ENABLE = yes',
        'MAIN_TLS_CERTIFICATE = /etc/exim4/nowhere.crt',
        'MAIN_TLS_PRIVATEKEY = /etc/exim4/nowhere.key',
      ],
    },
    ca,
    expected: { 'starttls-offered': 'met', 'starttls-handshake': 'violated' },
    remedied: ['starttls-handshake'],
  },
  {
    name: '8BITMIME is off, and 10 MB are enough',
    configuration: {
      main: ['accept_8bitmime = false'],
      macros: ['MESSAGE_SIZE_LIMIT = 10M'],
    },
    expected: { 'cap-8bitmime': 'violated', 'size-ehlo': 'violated too-small' },
    remedied: ['cap-8bitmime', 'size-ehlo'],
  },
  {
    name: 'the relay is trusted, and may send anywhere',
    configuration: { macros: ['MAIN_RELAY_NETS = 127.0.0.0/8'] },
    expected: { 'open-relay': 'undetermined suspect' },
  },
]

/** Macros of the certificate point into the folder of the bench. */
function apply(
  configuration: EximConfiguration,
  snippets: readonly ShownSnippet[],
): EximConfiguration {
  const here = snippets.map((snippet) => ({
    ...snippet,
    code: snippet.code.replace('/etc/ssl/mail-fullchain.pem', '/etc/exim4/mail-fullchain.pem'),
  }))
  return applyToExim(configuration, here)
}

checkApplied(import.meta.filename)
testRows({ program: 'Exim', skip, start, apply }, rows, () => {
  test('the good control', { timeout: 90_000 }, async () => {
    await using server = await goodServers.exim.start(programs, leaf)
    const report = await examine(server, 'all', { ca, maySend: true })
    assertGood(report)
    assertFindings(report, { smuggling: 'met', 'vrfy-expn': 'met' })
  })
})
