import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseDomainDocument } from './domain-document.ts'
import {
  createServedDomain,
  toDomainDocument,
  withHistoryOf,
  type DomainDocument,
} from './served-domain.ts'
import type { ServedDomain } from './registry.ts'

const full: DomainDocument = {
  domain: 'inst.example',
  to: ['mail.inst.example:25', '[2001:db8::7]:2525'],
  callout: ['mail.inst.example:2525'],
  tls: 'verify',
  maxSize: '50MiB',
  subaddressSeparator: '+',
  replyPatterns: [{ text: '550 5.7.1 *no such user*', means: 'no-such-mailbox' }],
  suspended: 'moving house',
  contact: 'postmaster@inst.example, +49 89 1234',
}

test('a document becomes a served domain', () => {
  const served = created(full)
  assert.equal(served.domain, 'inst.example')
  assert.equal(served.route.id, 'mail.inst.example:25,[2001:db8::7]:2525 tls=verify')
  assert.equal(served.calloutRoute.id, 'mail.inst.example:2525 tls=verify')
  assert.equal(served.profile.maxMessageBytes, 52_428_800)
  assert.deepEqual(served.suspension, { reason: 'moving house', sinceMs: 1000 })
  assert.deepEqual([served.createdAtMs, served.changedAtMs], [1000, 1000])
})

test('what is left out has its default', () => {
  const served = created({ domain: 'Inst.Example.', to: ['mail.inst.example'] })
  assert.equal(served.domain, 'inst.example')
  assert.equal(served.route.tls, 'opportunistic')
  assert.deepEqual(served.calloutRoute, served.route)
  assert.equal(served.profile.maxMessageBytes, null)
  assert.equal(served.subaddressSeparator, null)
  assert.equal(served.suspension, null)
})

const documents: Readonly<Record<string, DomainDocument>> = {
  'with everything': full,
  'with the least': { domain: 'inst.example', to: ['mx:inst.example'] },
  'suspended without a reason': { domain: 'inst.example', to: ['192.0.2.7:25'], suspended: true },
  'without encryption': { domain: 'inst.example', to: ['192.0.2.7:25'], tls: 'none' },
}

for (const [name, document] of Object.entries(documents)) {
  test(`document ${name}: there and back is the identity`, () => {
    const served = created(document)
    assert.deepEqual(toDomainDocument(served), document)
    assert.deepEqual(parseDomainDocument(structuredClone(document)), { ok: true, value: document })
  })
}

const refused: Readonly<Record<string, readonly [Partial<DomainDocument>, readonly unknown[]]>> = {
  'an address as domain': [{ domain: '192.0.2.7' }, ['domain']],
  'a bad second endpoint': [{ to: ['a.example', 'b.example:x'] }, ['to', 1]],
  'no endpoint': [{ to: [] }, ['to']],
  'a bad callout': [{ callout: ['b c'] }, ['callout', 0]],
  'a size without a unit': [{ maxSize: '50' }, ['maxSize']],
  'a size below what RFC 5321 asks for': [{ maxSize: '10KiB' }, ['maxSize']],
  'a separator of two characters': [{ subaddressSeparator: '++' }, ['subaddressSeparator']],
  'a letter as separator': [{ subaddressSeparator: 'x' }, ['subaddressSeparator']],
  '@ as separator': [{ subaddressSeparator: '@' }, ['subaddressSeparator']],
}

for (const [name, [part, path]] of Object.entries(refused)) {
  test(`refused with its place: ${name}`, () => {
    const result = createServedDomain({ ...full, ...part }, 0)
    assert.deepEqual(result.ok ? null : result.problem.path, path)
  })
}

const misshapen: Readonly<Record<string, readonly [unknown, readonly unknown[], RegExp]>> = {
  'not a mapping': ['inst.example', [], /expected object/],
  'no domain': [{ to: 'a.example' }, ['domain'], /./],
  'an unknown key': [{ ...full, maxsize: '1MiB' }, ['maxsize'], /did you mean maxSize\?/],
  'an unknown key in a pattern': [
    { ...full, replyPatterns: [{ text: 'x', means: 'other', mean: 1 }] },
    ['replyPatterns', 0, 'mean'],
    /did you mean means\?/,
  ],
  'a number as size': [{ ...full, maxSize: 50 }, ['maxSize'], /./],
  'suspended: false': [{ ...full, suspended: false }, ['suspended'], /a reason, or true/],
  'two lines of contact': [{ ...full, contact: 'a\nb' }, ['contact'], /control characters/],
  'a terminal escape as reason': [{ ...full, suspended: '\u001b[2J' }, ['suspended'], /./],
  'too many endpoints': [{ ...full, to: Array(17).fill('a.example') }, ['to'], /./],
}

for (const [name, [value, path, text]] of Object.entries(misshapen)) {
  test(`misshapen document: ${name}`, () => {
    const result = parseDomainDocument(value)
    assert.ok(!result.ok)
    assert.deepEqual(result.problem[0].path, path)
    assert.match(result.problem[0].text, text)
  })
}

test('one endpoint may be written without a list', () => {
  const result = parseDomainDocument({ domain: 'a.example', to: 'b.example', callout: 'c.example' })
  assert.ok(result.ok)
  assert.deepEqual(result.value.to, ['b.example'])
  assert.deepEqual(result.value.callout, ['c.example'])
})

test('history: creation and the start of a suspension survive a change', () => {
  const before = created(full)
  const wanted = { ...created({ ...full, suspended: 'still moving' }), changedAtMs: 9000 }
  const after = withHistoryOf({ ...wanted, createdAtMs: 9000 }, before)
  assert.deepEqual(after.suspension, { reason: 'still moving', sinceMs: 1000 })
  assert.deepEqual([after.createdAtMs, after.changedAtMs], [1000, 9000])
  const resumed = withHistoryOf({ ...wanted, suspension: null }, before)
  assert.equal(resumed.suspension, null)
})

function created(document: DomainDocument): ServedDomain {
  const result = createServedDomain(document, 1000)
  assert.ok(result.ok, JSON.stringify(result))
  return result.value
}
