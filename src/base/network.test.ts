import assert from 'node:assert/strict'
import { test } from 'node:test'
import { addressBits, parseNetwork } from './network.ts'

const addresses: readonly (readonly [text: string, family: 4 | 6, bits: bigint])[] = [
  ['0.0.0.0', 4, 0n],
  ['192.0.2.7', 4, 0xc000_0207n],
  ['255.255.255.255', 4, 0xffff_ffffn],
  ['::', 6, 0n],
  ['::1', 6, 1n],
  ['2001:DB8::25', 6, 0x2001_0db8_0000_0000_0000_0000_0000_0025n],
  ['1:2:3:4:5:6:7:8', 6, 0x0001_0002_0003_0004_0005_0006_0007_0008n],
  ['::ffff:192.0.2.7', 4, 0xc000_0207n],
]

for (const [text, family, bits] of addresses) {
  test(`an address: ${text}`, () => assert.deepEqual(addressBits(text), { family, bits }))
}

for (const text of ['', '192.0.2', '192.0.2.256', '192.0.2.07', 'fe80::1%eth0', ':::', 'mail']) {
  test(`no address: '${text}'`, () => assert.equal(addressBits(text), null))
}

test('a network has its first address and its length', () => {
  const network = parseNetwork('192.0.2.0/24')
  assert.deepEqual(network.ok && network.value, {
    family: 4,
    bits: 0xc000_0200n,
    length: 24,
    text: '192.0.2.0/24',
  })
  const one = parseNetwork('2001:db8::1')
  assert.equal(one.ok && one.value.length, 128)
  const all = parseNetwork('0.0.0.0/0')
  assert.equal(all.ok && all.value.length, 0)
})

const refused: readonly (readonly [text: string, problem: RegExp])[] = [
  ['192.0.2.7/24', /bits set behind the first 24/],
  ['192.0.2.0/33', /at most 32/],
  ['2001:db8::/129', /at most 128/],
  ['192.0.2.0/', /number from 0 to 32/],
  ['192.0.2.0/24/1', /expected an address/],
  ['dial-up.example', /expected an address/],
]

for (const [text, problem] of refused) {
  test(`no network: ${text}`, () => {
    const parsed = parseNetwork(text)
    assert.match(parsed.ok ? 'it was taken' : parsed.problem, problem)
  })
}
