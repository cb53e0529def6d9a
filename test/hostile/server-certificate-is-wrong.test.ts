// A server in the place of the institute's, with the certificates it can get: with `verify` it gets no mail and
// no question, and the log says which check failed.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { InstituteServer } from '../../demo/institute-server.ts'
import { isOpensslAvailable } from '../support/certificates.ts'
import { until } from '../e2e/support/mail.ts'
import { createAuthority, startTlsSite, withCertificate, type Policy } from './support/tls-site.ts'

const skip = (await isOpensslAvailable()) ? false : 'the openssl command (3.0 or later) is missing'

test('the certificate is wrong', { skip }, async (t) => {
  await using stack = new AsyncDisposableStack()
  const authority = stack.use(await createAuthority())
  const stranger = stack.use(await createAuthority())
  const name = { names: ['mail.inst.example'] }
  const servers = new Map<string, InstituteServer>([
    ['good', await withCertificate(authority, name)],
    ['expired', await withCertificate(authority, { ...name, isExpired: true })],
    ['self-signed', await withCertificate(authority, { ...name, isSelfSigned: true })],
    ['wrong-name', await withCertificate(authority, { names: ['mail.evil.example'] })],
    ['name-below', await withCertificate(authority, { names: ['mail.inst.example.evil.example'] })],
    ['untrusted', await withCertificate(stranger, name)],
    [
      'name-in-another',
      await withCertificate(authority, {
        names: ['mail.evil.example'],
        others: ['URI:DNS:mail.inst.example', 'email:DNS:mail.inst.example'],
      }),
    ],
  ])
  for (const server of servers.values()) stack.use(server)
  const portOf = (server: string): number => servers.get(server)?.port ?? 0
  const verify: Policy = { tls: 'verify' }
  const domains = Object.fromEntries(
    [...servers.keys()].map((server) => [server, { ...verify, port: portOf(server) }]),
  )
  const site = stack.use(
    await startTlsSite(
      authority,
      {
        ...domains,
        'own-ca': { ...verify, port: portOf('untrusted'), tlsCa: stranger.ca.certificate },
        'own-ca-only': { ...verify, port: portOf('good'), tlsCa: stranger.ca.certificate },
        'other-name': { ...verify, port: portOf('wrong-name'), tlsNames: ['mail.evil.example'] },
        suffix: { ...verify, port: portOf('wrong-name'), tlsNames: ['.evil.example'] },
        'not-the-suffix': { ...verify, port: portOf('wrong-name'), tlsNames: ['.vil.example'] },
        'suffix-in-another': {
          ...verify,
          port: portOf('name-in-another'),
          tlsNames: ['.inst.example'],
        },
        'mx-good': { ...verify, port: portOf('good'), to: 'mx:inst.example' },
        'mx-elsewhere': { ...verify, port: portOf('wrong-name'), to: 'mx:hijacked.example' },
      },
      {
        'inst.example': { mx: [[10, 'mail.inst.example']] },
        'hijacked.example': { mx: [[10, 'mail.evil.example']] },
        'mail.evil.example': { a: ['127.0.0.1'] },
      },
    ),
  )
  const refused: Readonly<Record<string, readonly [string, RegExp]>> = {
    expired: ['expired', /has expired/],
    'self-signed': ['self-signed', /it is signed by itself/],
    'wrong-name': ['wrong-name', /not for mail\.inst\.example, but for DNS:mail\.evil\.example/],
    'name-below': [
      'name-below',
      /not for mail\.inst\.example, but for DNS:mail\.inst\.example\.evil/,
    ],
    untrusted: ['untrusted', /its authority is not among the trusted ones/],
    'own-ca-only': ['good', /its authority is not among the trusted ones/],
    'not-the-suffix': ['wrong-name', /not for \.vil\.example/],
    // Not a name for a host, but a text that has one in it.
    'name-in-another': ['name-in-another', /not for mail\.inst\.example/],
    'suffix-in-another': ['name-in-another', /not for \.inst\.example/],
    'mx-elsewhere': ['wrong-name', /not for hijacked\.example or \.hijacked\.example/],
  }
  for (const [domain, [server, words]] of Object.entries(refused)) {
    await t.test(`refused: ${domain}`, async () => {
      const before = servers.get(server)?.commandTexts.length ?? 0
      const failedBefore = site.relay.events('next-hop-failed').length
      for (const _again of [1, 2]) assert.match(await site.send(domain), /^451 4\.4\.1 /)
      const texts = servers.get(server)?.commandTexts.slice(before) ?? []
      assert.ok(texts.length > 0)
      assert.deepEqual(
        texts.filter((text) => /^(?:MAIL|RCPT|DATA)/.test(text)),
        [],
      )
      await until(() => site.relay.events('next-hop-failed').length >= failedBefore + 2)
      const failed = site.relay.events('next-hop-failed').at(-1)
      assert.equal(failed?.['cause'], 'tls')
      assert.match(String(failed?.['detail']), words)
    })
  }
  for (const domain of ['good', 'own-ca', 'other-name', 'suffix', 'mx-good']) {
    await t.test(`taken: ${domain}`, async () => {
      assert.match(await site.send(domain), /^250 /)
      const servers = site.relay.events('next-hop-connected').map((event) => event['tlsStanding'])
      assert.ok(servers.every((standing) => standing === 'verified'))
    })
  }
})
