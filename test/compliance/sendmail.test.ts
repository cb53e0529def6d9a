// What `pforte check` says of sendmail, and whether its advice helps.

import { after, test } from 'node:test'
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
import { goodServers } from './support/good-servers.ts'
import {
  applyToSendmail,
  startExaminedSendmail,
  type SendmailConfiguration,
} from './support/sendmail.ts'

const programs = findPrograms('sendmail')
const skip = skipReason(programs, 'sendmail')
const authority = await createAuthority()
after(() => authority[Symbol.asyncDispose]())
const leaf = await authority.issue({ names: [mailHost] })
const ca = [authority.ca.certificate]
const files = { 'mail-fullchain.pem': leaf.certificate, 'mail.key': leaf.key }

const start = (configuration: SendmailConfiguration): ReturnType<typeof startExaminedSendmail> =>
  startExaminedSendmail(prefixOf(programs, 'sendmail'), { files, ...configuration })

const rows: readonly Row<SendmailConfiguration>[] = [
  {
    name: 'a pause before the greeting',
    configuration: {
      access: ['GreetPause:127.0.0.1\t0'],
      macros: ["FEATURE(`greet_pause', `3000')dnl"],
    },
    expected: { 'banner-delay': 'violated' },
    remedied: ['banner-delay'],
  },
  {
    name: 'ten connections at a time and in a minute, as Debian has it',
    configuration: { access: ['ClientRate:\t10', 'ClientConn:\t10'] },
    expected: { 'no-rate-limit-connections': 'violated' },
    remedied: ['no-rate-limit-connections'],
  },
  {
    name: 'ten million bytes, no TLS, and VRFY',
    configuration: { macros: ["define(`confMAX_MESSAGE_SIZE', `10000000')dnl"] },
    ca,
    expected: {
      'rcpt-existing-accepted': 'met',
      'rcpt-unknown-rejected': 'met',
      'size-ehlo': 'violated too-small',
      'size-mail-param': 'violated too-small',
      'starttls-offered': 'violated',
      'vrfy-expn': 'violated',
    },
    remedied: ['size-ehlo', 'size-mail-param', 'starttls-offered', 'vrfy-expn'],
  },
  {
    name: 'unknown recipients go to somebody (LUSER_RELAY)',
    configuration: { macros: ["define(`LUSER_RELAY', `local:mail')dnl"] },
    expected: { 'rcpt-unknown-rejected': 'violated accepts-unknown' },
    remedied: ['rcpt-unknown-rejected'],
  },
  {
    name: 'the domain is missing',
    configuration: { localHostNames: ['elsewhere.example'] },
    expected: { 'rcpt-existing-accepted': 'violated domain-not-hosted' },
    remedied: ['rcpt-existing-accepted'],
  },
  {
    name: 'nobody is postmaster',
    configuration: { aliases: ['anna: mail'] },
    expected: { postmaster: 'violated' },
    remedied: ['postmaster'],
  },
  {
    name: 'twenty recipients of a mail',
    configuration: { macros: ["define(`confMAX_RCPTS_PER_MESSAGE', `20')dnl"] },
    maySend: true,
    expected: { 'rcpt-multi': 'violated few-recipients' },
    remedied: ['rcpt-multi'],
  },
  {
    name: 'IPv6 in the DNS, but not at the server',
    configuration: {},
    addresses: { a: ['127.0.0.1'], aaaa: ['::1'] },
    sources: ['127.0.0.10', '::1'],
    expected: { 'tcp-connect-v4': 'met', 'tcp-connect-v6': 'violated' },
    remedied: ['tcp-connect-v6'],
  },
  {
    name: 'one of two relays is refused',
    configuration: { access: ['Connect:127.0.0.11\tREJECT'] },
    sources: ['127.0.0.11', '127.0.0.10'],
    expected: { 'relay-net-coverage': 'violated', 'client-policy': 'violated' },
  },
  {
    name: 'a network of the relays is refused',
    configuration: { access: ['Connect:127.0.1\tREJECT'] },
    sources: ['127.0.1.10', '127.0.0.10'],
    networks: ['127.0.0.0/24', '127.0.1.0/24'],
    expected: { 'relay-net-coverage': 'violated', 'client-policy': 'violated' },
    remedied: ['relay-net-coverage', 'client-policy'],
  },
  {
    name: 'its own domain is refused as sender',
    configuration: { access: ['From:inst.example\tREJECT'] },
    expected: { 'own-domain-sender': 'violated refused', 'null-sender': 'met' },
    remedied: ['own-domain-sender'],
  },
]

checkApplied(import.meta.filename)
const bench = { program: 'sendmail', skip, start, apply: applyToSendmail }
// sendmail relays whatever comes from 127.0.0.1; the relay comes from elsewhere.
const sources = ['127.0.0.10']
const fromElsewhere = rows.map((row) => ({ sources, ...row }))
testRows(bench, fromElsewhere, () => {
  test('the good control', { timeout: 90_000 }, async () => {
    await using server = await goodServers.sendmail.start(programs, leaf)
    const report = await examine(server, 'all', { ca, sources, maySend: true })
    assertGood(report)
    assertFindings(report, {
      'starttls-handshake': 'met',
      'tls-chain': 'met',
      'vrfy-expn': 'met',
      smuggling: 'met',
    })
  })
})
