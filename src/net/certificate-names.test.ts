import assert from 'node:assert/strict'
import { X509Certificate } from 'node:crypto'
import { test } from 'node:test'
import { createAuthority, isOpensslAvailable } from '../../test/support/certificates.ts'
import { dnsNamesOf } from './certificate-names.ts'

const skip = (await isOpensslAvailable()) ? false : 'the openssl command (3.0 or later) is missing'

const cases: readonly (readonly [text: string | undefined, names: readonly string[]])[] = [
  [undefined, []],
  ['', []],
  ['DNS:a.example', ['a.example']],
  ['DNS:A.example, DNS:*.b.example', ['a.example', '*.b.example']],
  ['IP Address:192.0.2.1, DNS:a.example', ['a.example']],
  ['URI:DNS:a.example', []],
  ['email:DNS:a.example, DNS:b.example', ['b.example']],
  [String.raw`DNS:"x\u002c DNS:a.example", DNS:b.example`, ['b.example']],
  [String.raw`DNS:"\"", DNS:a.example`, ['a.example']],
  [String.raw`DNS:"x\", DNS:a.example`, []],
  ['DNS:a.example,DNS:b.example', []],
  ['DNS:a.example, nonsense, DNS:b.example', ['a.example']],
]
for (const [text, names] of cases) {
  test(`${text}`, () => assert.deepEqual(dnsNamesOf(text), names))
}

test('of real certificates', { skip }, async () => {
  await using authority = await createAuthority()
  const others = ['URI:DNS:uri.example', 'email:DNS:email.example', 'RID:1.2.3.4', 'URI:http://x/"']
  const { certificate } = await authority.issue({
    names: ['first.example'],
    addresses: ['192.0.2.1', '2001:db8::1'],
    others: [...others, 'DNS:last.example'],
  })
  const { subjectAltName } = new X509Certificate(certificate)
  assert.deepEqual(dnsNamesOf(subjectAltName), ['first.example', 'last.example'])
})
