import assert from 'node:assert/strict'
import { test } from 'node:test'
import { isEntry, reversedName, scoreOf } from './dns-lists.ts'
import type { DnsZone } from './greeting.ts'

const plain: DnsZone = { domain: 'bl.example', answers: null, weight: 1 }
const some: DnsZone = {
  domain: 'bl.example',
  answers: [[[127, 127]], [[0, 0]], [[0, 0]], [[2, 4], [10, 10]]], // oxfmt-ignore
  weight: 3,
}

test('names are addresses backwards (RFC 5782 §2.1, §2.4)', () => {
  assert.equal(reversedName('192.0.2.99', 'bl.example'), '99.2.0.192.bl.example')
  assert.equal(
    reversedName('2001:db8:1:2:3:4:567:89ab', 'bl.example'),
    'b.a.9.8.7.6.5.0.4.0.0.0.3.0.0.0.2.0.0.0.1.0.0.0.8.b.d.0.1.0.0.2.bl.example',
  )
  assert.equal(reversedName('unknown', 'bl.example'), null)
})

const answers: readonly (readonly [zone: DnsZone, answer: string, isListed: boolean])[] = [
  [plain, '127.0.0.2', true],
  [plain, '127.0.1.255', true],
  [plain, '127.255.255.254', false], // "you asked through a public resolver"
  [plain, '203.0.113.80', false], // the domain has been sold
  [plain, '', false],
  [some, '127.0.0.2', true],
  [some, '127.0.0.4', true],
  [some, '127.0.0.5', false],
  [some, '127.0.0.10', true],
  [some, '127.0.1.2', false],
]

for (const [zone, answer, isListed] of answers) {
  test(`${zone === plain ? 'any' : 'some'}: '${answer}' is ${isListed ? 'an' : 'no'} entry`, () => {
    assert.equal(isEntry(zone, answer), isListed)
  })
}

test('the score is the sum of the weights, a domain is named once, the heaviest first', () => {
  const good: DnsZone = { domain: 'wl.example', answers: null, weight: -2 }
  assert.deepEqual(scoreOf([]), { score: 0, zones: [], badZones: [] })
  assert.deepEqual(scoreOf([good, plain, some]), {
    score: 2,
    zones: ['bl.example', 'wl.example'],
    badZones: ['bl.example'],
  })
})
