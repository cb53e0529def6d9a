import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  judgeOrigin,
  strongest,
  type OriginFacts,
  type OriginRule,
  type OriginRules,
  type RuleMode,
} from '#policy/policy.ts'
import { isDynamicName } from './dynamic-name.ts'
import { factsNeeded } from './judge-origin.ts'

const off: Readonly<Record<OriginRule, RuleMode>> = {
  'reverse-dns-missing': 'off',
  'reverse-dns-inconsistent': 'off',
  'dynamic-address': 'off',
  'sender-domain-missing': 'off',
  'sender-null-mx': 'off',
}

function rulesWith(
  modes: Partial<typeof off>,
  onDnsFailure: OriginRules['onDnsFailure'] = 'pass',
): OriginRules {
  const dynamicNames = { patterns: ['.dialin.example'], isGuessed: false }
  return { modes: { ...off, ...modes }, dynamicNames, onDnsFailure }
}

const all = (mode: RuleMode): OriginRules['modes'] => ({
  'reverse-dns-missing': mode,
  'reverse-dns-inconsistent': mode,
  'dynamic-address': mode,
  'sender-domain-missing': mode,
  'sender-null-mx': mode,
})

const good: OriginFacts = {
  clientAddress: '192.0.2.7',
  clientName: { kind: 'confirmed', name: 'mail.sender.example' },
  senderDomain: 'sender.example',
  mailDomain: { kind: 'receives' },
}

function said(rules: OriginRules, facts: Partial<OriginFacts>): string | null {
  const objection = strongest(judgeOrigin(rules, { ...good, ...facts }))
  return objection === null ? null : `${objection.kind} ${objection.reason.kind}`
}

const noName = { clientName: { kind: 'missing' } } as const
const elsewhere = { clientName: { kind: 'inconsistent', name: 'a.dialin.example' } } as const
const noAnswer = { clientName: { kind: 'failed', name: null, detail: 'timeout' } } as const
const halfAnswer = {
  clientName: { kind: 'failed', name: 'a.dialin.example', detail: 'timeout' },
} as const
const noDomain = { mailDomain: { kind: 'missing', cause: 'name' } } as const
const nullMx = { mailDomain: { kind: 'null-mx' } } as const
const sickDomain = { mailDomain: { kind: 'failed', detail: 'SERVFAIL' } } as const

const cases: Readonly<Record<string, readonly [OriginRules, Partial<OriginFacts>, string | null]>> =
  {
    'a good client and sender': [rulesWith(all('reject')), {}, null],
    'no name, deferred': [
      rulesWith({ 'reverse-dns-missing': 'defer' }),
      noName,
      'defer reverse-dns-missing',
    ],
    'no name, refused': [
      rulesWith({ 'reverse-dns-missing': 'reject' }),
      noName,
      'reject reverse-dns-missing',
    ],
    'no name is not an inconsistent one': [
      rulesWith({ 'reverse-dns-inconsistent': 'reject' }),
      noName,
      null,
    ],
    'an inconsistent name': [
      rulesWith({ 'reverse-dns-inconsistent': 'reject' }),
      elsewhere,
      'reject reverse-dns-inconsistent',
    ],
    'an inconsistent name is not a missing one': [
      rulesWith({ 'reverse-dns-missing': 'reject' }),
      elsewhere,
      null,
    ],
    'a dynamic name, even if it leads elsewhere': [
      rulesWith({ 'dynamic-address': 'reject' }),
      elsewhere,
      'reject dynamic-address',
    ],
    'a domain that is missing': [
      rulesWith({ 'sender-domain-missing': 'reject' }),
      noDomain,
      'reject sender-domain-missing',
    ],
    'a null MX is not a missing domain': [
      rulesWith({ 'sender-domain-missing': 'reject' }),
      nullMx,
      null,
    ],
    'a null MX': [rulesWith({ 'sender-null-mx': 'reject' }), nullMx, 'reject sender-null-mx'],
    'the null reverse-path has no domain': [
      rulesWith(all('reject'), 'defer'),
      { senderDomain: null, mailDomain: null },
      null,
    ],
    'no answer of the DNS passes': [rulesWith(all('reject')), { ...noAnswer, ...sickDomain }, null],
    'no answer is at worst temporary': [
      rulesWith(all('reject'), 'defer'),
      { ...noAnswer, ...sickDomain },
      'defer dns-failed',
    ],
    'half an answer: there is a name': [
      rulesWith({ 'reverse-dns-missing': 'reject' }, 'defer'),
      halfAnswer,
      null,
    ],
    'half an answer: the name counts': [
      rulesWith({ 'dynamic-address': 'reject' }, 'defer'),
      halfAnswer,
      'reject dynamic-address',
    ],
    'half an answer: nobody knows whether it leads back': [
      rulesWith({ 'reverse-dns-inconsistent': 'reject' }, 'defer'),
      halfAnswer,
      'defer dns-failed',
    ],
    'everything observed refuses nobody': [
      rulesWith(all('observe'), 'defer'),
      { ...noName, ...noDomain },
      null,
    ],
    'a rejection goes before a deferral': [
      rulesWith({ 'sender-null-mx': 'defer', 'reverse-dns-missing': 'reject' }),
      { ...noName, ...nullMx },
      'reject reverse-dns-missing',
    ],
  }

for (const [name, [rules, facts, expected]] of Object.entries(cases)) {
  test(`${name}: ${expected ?? 'no objection'}`, () => {
    assert.equal(said(rules, facts), expected)
  })
}

test('what is observed is told all the same', () => {
  const findings = judgeOrigin(rulesWith(all('observe')), { ...good, ...noName, ...nullMx })
  assert.deepEqual(
    findings.map(({ rule, isObserved }) => [rule, isObserved]),
    [
      ['sender-null-mx', true],
      ['reverse-dns-missing', true],
    ],
  )
})

test('only what a rule needs is looked up', () => {
  assert.deepEqual(factsNeeded(rulesWith({})), { clientName: false, mailDomain: false })
  const client = factsNeeded(rulesWith({ 'dynamic-address': 'observe' }))
  assert.deepEqual(client, { clientName: true, mailDomain: false })
  const sender = factsNeeded(rulesWith({ 'sender-null-mx': 'defer' }))
  assert.deepEqual(sender, { clientName: false, mailDomain: true })
})

const guesses: readonly (readonly [name: string, address: string, isDynamic: boolean])[] = [
  ['dyn-192-0-2-7.provider.example', '192.0.2.7', true],
  ['7.2.0.192.pool.provider.example', '192.0.2.7', true],
  ['host7-2.adsl.provider.example', '192.0.2.7', true],
  ['pc0000207.dip0.t-ipconnect.de', '192.0.2.7', true],
  ['dhcp192000002007.provider.example', '192.0.2.7', true],
  ['cable-2-7.provider.example', '192.0.2.7', true],
  ['dynamic-2001-db8-0-1-a-b-c-d.provider.example', '2001:db8:0:1:a:b:c:d', true],
  ['p200300cf1f000000000a000b000c000d.dip0.t-ipconnect.de', '2003:cf:1f00::a:b:c:d', true],
  // The address alone is what many servers are called in a data centre.
  ['static-192-0-2-7.provider.example', '192.0.2.7', false],
  ['192-0-2-7.hosting.example', '192.0.2.7', false],
  // A provider's own server.
  ['mail.dsl.provider.example', '192.0.2.7', false],
  ['mx-2-7.dsl.provider.example', '192.0.2.7', false],
  // The word without the address.
  ['gateway.cable.example', '192.0.2.7', false],
  // A part of a word is none.
  ['cables-2-7.example', '192.0.2.7', false],
  ['dyn-192-0-2-8.provider.example', '192.0.2.7', false],
  ['dyn-2-7.example', 'not an address', false],
]

for (const [name, address, isDynamic] of guesses) {
  test(`${name} for ${address} is ${isDynamic ? '' : 'not '}guessed to be dynamic`, () => {
    assert.equal(isDynamicName({ patterns: [], isGuessed: true }, name, address), isDynamic)
    assert.equal(isDynamicName({ patterns: [], isGuessed: false }, name, address), false)
  })
}

test('patterns: a name and all below, or with stars a whole name', () => {
  const fits = (pattern: string, name: string): boolean =>
    isDynamicName({ patterns: [pattern], isGuessed: false }, name, '192.0.2.7')
  assert.ok(fits('.dip0.t-ipconnect.de', 'p5dc12345.dip0.t-ipconnect.de'))
  assert.ok(fits('dip0.t-ipconnect.de', 'dip0.t-ipconnect.de'))
  assert.ok(!fits('.dip0.t-ipconnect.de', 'xdip0.t-ipconnect.de'))
  assert.ok(fits('*-DYN-*.example.net', 'a-dyn-7.example.net'))
  assert.ok(!fits('*-dyn-*.example.net', 'a-dyn-7.example.net.evil.example'))
  assert.ok(!fits('*aa*aa', 'aaa')) // pieces do not overlap
})
