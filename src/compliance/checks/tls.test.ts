// Groups F and G: TLS and capabilities.

import assert from 'node:assert/strict'
import { createHash, X509Certificate } from 'node:crypto'
import { after, test } from 'node:test'
import { createAuthority, isOpensslAvailable } from '../../../test/support/certificates.ts'
import { describeCheck, examine, examinedServer } from '../../../test/support/examined-server.ts'
import { startScriptedServer } from '../../../test/support/hostile-server.ts'
import { startTlsUnavailable, tlsGarbage } from '../../../test/support/hostile-behaviours.ts'
import { cap8bitmime } from './cap-8bitmime/check.ts'
import { capBinarymime } from './cap-binarymime/check.ts'
import { capChunking } from './cap-chunking/check.ts'
import { capDsn } from './cap-dsn/check.ts'
import { capEnhanced } from './cap-enhanced/check.ts'
import { capLimits } from './cap-limits/check.ts'
import { capPipelining } from './cap-pipelining/check.ts'
import { capPrdr } from './cap-prdr/check.ts'
import { capSmtputf8 } from './cap-smtputf8/check.ts'
import { dane } from './dane/check.ts'
import { starttlsHandshake } from './starttls-handshake/check.ts'
import { starttlsInjection } from './starttls-injection/check.ts'
import { starttlsOffered } from './starttls-offered/check.ts'
import { tlsAfter } from './tls-after/check.ts'
import { tlsChain } from './tls-chain/check.ts'
import { tlsExpiry } from './tls-expiry/check.ts'
import { tlsHostname } from './tls-hostname/check.ts'
import { tlsKey } from './tls-key/check.ts'
import { tlsVersion } from './tls-version/check.ts'

const authority = await createAuthority()
after(() => authority[Symbol.asyncDispose]())
const right = await authority.issue({ names: ['mail.inst.example'], addresses: ['127.0.0.1'] })
const wrong = await authority.issue({ names: ['other.example'] })
const ca = [authority.ca.certificate]
const good = { tls: right }

assert.ok(await isOpensslAvailable())

describeCheck(starttlsOffered, [
  { name: 'offered', server: good, kind: 'met' },
  { name: 'not offered', server: {}, kind: 'violated' },
])

describeCheck(starttlsHandshake, [
  { name: 'works', server: good, kind: 'met' },
  { name: 'not offered', server: {}, kind: 'not-applicable' },
  {
    name: '454, as with a key that cannot be read',
    server: startTlsUnavailable(),
    kind: 'violated',
  },
  { name: 'garbage instead of a handshake', server: tlsGarbage(), kind: 'violated' },
])

describeCheck(tlsVersion, [
  {
    name: '1.3 and 1.2',
    server: good,
    kind: 'met',
    subtype: null,
    also: (finding) => assert.equal(finding.summary.en, 'TLSv1.3, TLSv1.2'),
  },
  { name: 'none', server: tlsGarbage(), kind: 'undetermined' },
  {
    name: 'only 1.1',
    server: { tls: { ...right, onlyVersion: 'TLSv1.1' } },
    kind: 'violated',
    subtype: 'only-old',
  },
])

describeCheck(tlsChain, [
  { name: 'trusted', server: good, ca, kind: 'met' },
  { name: 'the issuer is not trusted', server: good, kind: 'violated' },
  {
    name: 'self-signed',
    server: { tls: await authority.issue({ names: ['x.example'], isSelfSigned: true }) },
    kind: 'violated',
    subtype: 'self-signed',
  },
])

describeCheck(tlsHostname, [
  { name: 'the right name', server: good, kind: 'met' },
  {
    name: 'another name',
    server: { tls: wrong },
    target: { host: 'mail.inst.example' },
    kind: 'violated',
    also: (finding) => assert.match(finding.summary.en, /other\.example/),
  },
  { name: 'an address was named', server: { tls: wrong }, kind: 'not-applicable' },
])

describeCheck(tlsExpiry, [
  { name: '30 days left', server: good, kind: 'met' },
  {
    name: 'expired',
    server: { tls: await authority.issue({ names: ['x.example'], isExpired: true }) },
    kind: 'violated',
    subtype: 'expired',
  },
])

const leaf = new X509Certificate(right.certificate)
const sha256 = (bytes: Buffer): string => createHash('sha256').update(bytes).digest('hex')
const key311 = `030101${sha256(leaf.publicKey.export({ type: 'spki', format: 'der' }))}`
const named = { host: 'mail.inst.example' }
const secure = (
  ...records: readonly string[]
): { readonly kind: 'secure'; readonly records: readonly string[] } => ({
  kind: 'secure',
  records,
})

describeCheck(dane, [
  { name: '3 1 1 of the key', server: good, target: named, tlsa: secure(key311), kind: 'met' },
  {
    name: '3 0 1 of the certificate, beside an old one',
    server: good,
    target: named,
    tlsa: secure(`030101${'00'.repeat(32)}`, `030001${sha256(leaf.raw)}`),
    kind: 'met',
  },
  {
    name: 'the key was changed',
    server: good,
    target: named,
    tlsa: secure(`030101${'00'.repeat(32)}`),
    kind: 'violated',
    subtype: 'mismatch',
  },
  {
    name: 'usages 0 and 1 do not count',
    server: good,
    target: named,
    tlsa: secure(`010101${key311.slice(6)}`),
    kind: 'not-applicable',
    subtype: 'unusable',
  },
  {
    name: 'not secured',
    server: good,
    target: named,
    tlsa: { kind: 'insecure' },
    kind: 'not-applicable',
    subtype: 'insecure',
  },
  {
    name: 'no answer',
    server: good,
    target: named,
    tlsa: { kind: 'failed', detail: 'timeout' },
    kind: 'undetermined',
  },
  {
    name: 'an address has none',
    server: good,
    tlsa: secure(key311),
    kind: 'not-applicable',
    subtype: 'none',
  },
])

describeCheck(tlsKey, [{ name: 'P-256', server: good, kind: 'met' }])

describeCheck(tlsAfter, [
  { name: 'the same', server: good, kind: 'met' },
  {
    name: 'SIZE is gone',
    server: {
      ...good,
      ehlo: (_line, { isTls }) =>
        isTls ? '250-mail\r\n250 PIPELINING' : '250-mail\r\n250-STARTTLS\r\n250 SIZE 9',
    },
    kind: 'violated',
    subtype: 'keywords-lost',
  },
])

describeCheck(starttlsInjection, [
  { name: 'dropped', server: good, kind: 'met' },
  {
    name: 'executed behind TLS',
    server: {
      ...good,
      starttls: async (connection) => {
        await connection.send('220 Ready\r\n')
        await connection.upgradeTls(right)
        await connection.send('250 2.0.0 Ok\r\n') // to the NOOP
      },
    },
    kind: 'violated',
    subtype: 'executed',
  },
])

const bare = { keywords: ['SIZE 62914560'] }
const rich = {
  keywords: [
    'SIZE 62914560',
    '8BITMIME',
    'SMTPUTF8',
    'CHUNKING',
    'BINARYMIME',
    'DSN',
    'ENHANCEDSTATUSCODES',
    'PRDR',
    'PIPELINING',
    'LIMITS RCPTMAX=50 MAILMAX=20',
  ],
}

describeCheck(cap8bitmime, [
  {
    name: 'offered, and refused when it is used',
    server: {
      mail: (line) => (line.includes('BODY=') ? '501 5.5.4 Unsupported option' : '250 Ok'),
    },
    kind: 'violated',
    subtype: 'offered-in-vain',
    also: (_finding, { profile }) => assert.equal(profile.isEightBitMime, false),
  },
  { name: 'offered', server: rich, kind: 'met' },
  { name: 'not offered', server: bare, kind: 'violated' },
])
for (const check of [capSmtputf8, capChunking, capBinarymime, capDsn, capEnhanced, capPrdr]) {
  describeCheck(check, [
    {
      name: 'offered',
      server: rich,
      kind: 'met',
      subtype: null,
      also: ({ measured }) => assert.deepEqual(Object.values(measured), [true]),
    },
    {
      name: 'not offered',
      server: bare,
      kind: 'met',
      subtype: 'not-offered',
      also: ({ measured }) => assert.deepEqual(Object.values(measured), [false]),
    },
  ])
}
describeCheck(capLimits, [
  { name: 'none', server: bare, kind: 'met', subtype: 'not-offered' },
  {
    name: 'announced',
    server: rich,
    kind: 'met',
    also: ({ measured }) =>
      assert.deepEqual(measured, { maxRecipients: 50, mailsPerConnection: 20 }),
  },
])
describeCheck(capPipelining, [
  {
    name: 'in order',
    server: rich,
    kind: 'met',
    also: ({ measured }) => assert.equal(measured.isPipelining, true),
  },
  { name: 'not offered', server: bare, kind: 'met', subtype: 'not-offered' },
  {
    name: 'two replies for one command',
    server: { ...rich, mail: () => '250 Ok\r\n250 Ok', rcpt: () => '550 5.1.1 Unknown' },
    kind: 'violated',
    subtype: 'out-of-step',
  },
])

test('a healthy server meets every requirement, and nothing is sent', async () => {
  const { catalogue } = await import('#compliance/compliance.ts')
  const server = await startScriptedServer(examinedServer(good))
  const startMs = performance.now()
  const report = await examine(catalogue, server.port, { ca })
  const musts = report.outcomes.filter(({ check }) => check.severity === 'must')
  const faults = musts.filter(
    ({ finding }) => finding.kind === 'violated' || finding.kind === 'undetermined',
  )
  assert.deepEqual(
    faults.map(({ check, finding }) => [check.id, finding.summary.en]),
    [],
  )
  assert.ok(report.isComplete)
  assert.deepEqual(
    server.lines.filter((line) => /^(?:DATA|BDAT)/i.test(line)),
    [],
  )
  assert.ok(performance.now() - startMs < 20_000)
  await server.close()
})
