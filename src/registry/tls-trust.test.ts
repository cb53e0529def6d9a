import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createAuthority, isOpensslAvailable } from '../../test/support/certificates.ts'
import { createServedDomain, toDomainDocument, type DomainDocument } from './served-domain.ts'
import { parsePin, parseTrust } from './tls-trust.ts'

const skip = (await isOpensslAvailable()) ? false : 'the openssl command (3.0 or later) is missing'
const pin = 'sha256//47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU='
const hex = 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855'
const least: DomainDocument = { domain: 'inst.example', to: ['mail.inst.example'] }

test('a pin in any spelling is one pin', () => {
  const colons = hex.toUpperCase().match(/../g)?.join(':') ?? ''
  for (const text of [
    pin,
    pin.slice('sha256//'.length),
    hex,
    colons,
    `sha256:${hex}`,
    ` ${pin} `,
  ]) {
    assert.deepEqual(parsePin(text), { ok: true, value: pin }, text)
  }
  for (const text of [
    '',
    'sha256//',
    pin.slice(0, -1),
    `${hex}00`,
    'sha1//qqqq',
    `${pin}\n${pin}`,
  ]) {
    assert.equal(parsePin(text).ok, false, text)
  }
})

test('what belongs to another policy is refused with its place', () => {
  const cases: readonly (readonly [DomainDocument['tls'], Partial<DomainDocument>, string])[] = [
    ['pin', {}, 'tlsPins'],
    ['verify', { tlsPins: [pin] }, 'tlsPins'],
    ['opportunistic', { tlsPins: [pin] }, 'tlsPins'],
    ['opportunistic', { tlsNames: ['a.example'] }, 'tlsNames'],
    ['pin', { tlsPins: [pin], tlsNames: ['a.example'] }, 'tlsNames'],
    ['none', { tlsCa: 'x' }, 'tlsCa'],
    ['verify', { tlsCa: 'no certificate' }, 'tlsCa'],
    [
      'verify',
      { tlsCa: '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n' },
      'tlsCa',
    ],
    ['verify', { tlsNames: ['a b'] }, 'tlsNames'],
    ['verify', { tlsNames: ['.'] }, 'tlsNames'],
  ]
  for (const [tls = 'none', part, place] of cases) {
    const parsed = parseTrust(tls, part)
    assert.equal(parsed.ok ? null : parsed.problem.path[0], place, JSON.stringify(part))
  }
})

test('routes that believe different things are different routes', () => {
  const documents: readonly DomainDocument[] = [
    least,
    { ...least, tls: 'verify' },
    { ...least, tls: 'verify', tlsNames: ['other.example'] },
    { ...least, tls: 'verify', tlsNames: ['.other.example'] },
    { ...least, tls: 'pin', tlsPins: [pin] },
    { ...least, tls: 'pin', tlsPins: [pin, hex.replaceAll('e', 'a')] },
    { ...least, xclient: true },
  ]
  const ids = documents.map((document) => {
    const served = createServedDomain(document, 0)
    assert.ok(served.ok)
    assert.equal(served.value.calloutRoute.id, served.value.route.id)
    assert.equal(toDomainDocument(served.value).tls, document.tls)
    return served.value.route.id
  })
  assert.equal(new Set(ids).size, ids.length)
})

test('a file of authorities keeps its certificates, and only those', { skip }, async () => {
  await using authority = await createAuthority()
  const { certificate, key } = authority.ca
  const parsed = parseTrust('verify', { tlsCa: `Comment\n${key}\n${certificate}` })
  assert.ok(parsed.ok)
  assert.equal(parsed.value.ca, certificate)
  const served = createServedDomain({ ...least, tls: 'verify', tlsCa: certificate }, 0)
  assert.ok(served.ok)
  assert.equal(toDomainDocument(served.value).tlsCa, certificate)
})
