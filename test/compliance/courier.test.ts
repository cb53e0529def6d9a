// What `pforte check` says of Courier, and whether its advice helps.

import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import type { ShownSnippet } from '#compliance/report/remedies.ts'
import { findPrograms, prefixOf, skipReason } from '../interop/support/programs.ts'
import { createAuthority } from '../support/certificates.ts'
import {
  applyToCourier,
  startExaminedCourier,
  type CourierConfiguration,
} from './support/courier.ts'
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

const programs = findPrograms('courier')
const skip = skipReason(programs, 'courier')
const authority = await createAuthority()
after(() => authority[Symbol.asyncDispose]())
const leaf = await authority.issue({ names: [mailHost] })
const ca = [authority.ca.certificate]

const start = (configuration: CourierConfiguration): ReturnType<typeof startExaminedCourier> =>
  startExaminedCourier(prefixOf(programs, 'courier'), configuration)

/** Key and chain in one file, as Courier wants them. */
const pem = { 'own.pem': `${leaf.key}${leaf.certificate}` }
/** Debian's pause after errors is a case of its own: 8 s, then 16 s, then more. */
const withoutTarpit = ['TARPIT=0']

const rows: readonly Row<CourierConfiguration>[] = [
  {
    name: 'as Debian installs it: five connections, 10 MB, no TLS',
    configuration: { esmtpd: withoutTarpit, files: pem },
    ca,
    maySend: true,
    limits: { maxConnections: 7 },
    expected: {
      'rcpt-existing-accepted': 'met',
      'rcpt-unknown-rejected': 'met',
      'rcpt-unknown-permanent': 'met',
      'rcpt-unknown-code': 'met',
      'null-sender': 'met',
      subaddressing: 'met',
      'vrfy-expn': 'met',
      'size-ehlo': 'undetermined no-number',
      'size-mail-param': 'violated too-small',
      'size-headroom': 'violated no-headroom',
      'no-rate-limit-connections': 'violated connection-count',
      'starttls-offered': 'violated',
      'data-clean': 'met',
      'data-long-line': 'met',
      'data-8bit': 'met',
    },
    remedied: ['size-mail-param', 'size-headroom', 'no-rate-limit-connections', 'starttls-offered'],
    also: ({ recognition }) => assert.equal(recognition.mta, 'courier'),
  },
  {
    name: 'a pause after each error, twice as long each time',
    configuration: {},
    expected: { 'no-tarpit': 'violated tarpit' },
    remedied: ['no-tarpit'],
  },
  {
    name: 'unknown recipients go to somebody (.courier-default)',
    configuration: {
      esmtpd: withoutTarpit,
      files: { 'aliasdir/.courier-default': './Maildir\n' },
    },
    expected: {
      'rcpt-existing-accepted': 'met',
      'rcpt-unknown-rejected': 'violated accepts-unknown',
    },
    remedied: ['rcpt-unknown-rejected'],
  },
  {
    name: 'the domain is missing',
    configuration: {
      esmtpd: withoutTarpit,
      files: {
        'esmtpacceptmailfor.dir/inst.example': 'elsewhere.example\n',
        locals: 'localhost\n',
      },
    },
    expected: { 'rcpt-existing-accepted': 'violated domain-not-hosted' },
    remedied: ['rcpt-existing-accepted'],
  },
  {
    name: 'nobody is postmaster',
    configuration: { esmtpd: withoutTarpit, files: { 'aliases/system': 'anna: games\n' } },
    expected: { postmaster: 'violated refused' },
    remedied: ['postmaster'],
    // Whatever is configured, an address without a domain is a syntax error to it.
    remaining: { postmaster: 'violated without-domain' },
  },
  {
    name: 'two recipients of a mail',
    configuration: { esmtpd: withoutTarpit, files: { bofh: 'maxrcpts 2\n' } },
    // It counts different ones only.
    existing: ['anna', 'postmaster', 'abuse'].map((name) => `${name}@inst.example`),
    maySend: true,
    expected: { 'rcpt-multi': 'violated few-recipients' },
    remedied: ['rcpt-multi'],
  },
  {
    name: 'its own domain is refused as sender',
    configuration: { esmtpd: withoutTarpit, files: { bofh: 'badfrom @inst.example\n' } },
    expected: { 'own-domain-sender': 'violated refused', 'null-sender': 'met' },
    remedied: ['own-domain-sender'],
  },
  {
    name: 'VRFY tells who is there',
    configuration: { esmtpd: [...withoutTarpit, 'BOFHNOVRFY=0', 'BOFHNOEXPN=0'] },
    expected: { 'vrfy-expn': 'violated' },
    remedied: ['vrfy-expn'],
  },
  {
    name: 'one of two relays is refused',
    configuration: {
      esmtpd: withoutTarpit,
      files: { 'smtpaccess/default': '127.0.0.11\tallow,BLOCK="550 Not you"\n' },
    },
    sources: ['127.0.0.11', '127.0.0.10'],
    expected: { 'relay-net-coverage': 'violated' },
  },
  {
    name: 'a network of the relays is refused',
    configuration: {
      esmtpd: withoutTarpit,
      files: { 'smtpaccess/default': '127.0.1\tallow,BLOCK="550 Not you"\n' },
    },
    sources: ['127.0.1.10', '127.0.0.10'],
    networks: ['127.0.1.10/32', '127.0.0.0/24'],
    expected: { 'relay-net-coverage': 'violated' },
    remedied: ['relay-net-coverage'],
  },
]

/** The one file of the snippet is that of the bench. */
function apply(
  configuration: CourierConfiguration,
  snippets: readonly ShownSnippet[],
): CourierConfiguration {
  const here = snippets.map((snippet) => ({
    ...snippet,
    code: snippet.code.replace('mail-fullchain-and-key.pem', 'own.pem'),
  }))
  return applyToCourier(configuration, here)
}

checkApplied(import.meta.filename)
testRows({ program: 'Courier', skip, start, apply }, rows, () => {
  test('the good control', { timeout: 90_000 }, async () => {
    await using server = await goodServers.courier.start(programs, leaf)
    const report = await examine(server, 'all', { ca, maySend: true })
    assertGood(report)
    assertFindings(report, { postmaster: 'violated without-domain', smuggling: 'met' })
  })
})
