import assert from 'node:assert/strict'
import { test } from 'node:test'
import { addressBits, parseNetwork } from '#base/network.ts'
import { NetworkSet } from './network-set.ts'

function networks(...texts: readonly string[]): (address: string) => boolean {
  const set = new NetworkSet(
    texts.map((text) => {
      const network = parseNetwork(text)
      return network.ok ? network.value : assert.fail(text)
    }),
  )
  return (address) => set.has(addressBits(address) ?? assert.fail(address))
}

test('an address is in a network of any length, and in none of the other family', () => {
  const has = networks('192.0.2.128/25', '198.51.100.7', '2001:db8::/33', '10.0.0.0/8')
  for (const address of ['192.0.2.128', '192.0.2.255', '198.51.100.7', '10.9.8.7']) {
    assert.ok(has(address), address)
  }
  assert.ok(has('2001:db8:7fff::1'))
  for (const address of ['192.0.2.127', '198.51.100.8', '11.0.0.1', '2001:db8:8000::1', 'a00::']) {
    assert.ok(!has(address), address)
  }
  assert.ok(networks('0.0.0.0/0')('203.0.113.9'))
  assert.ok(!networks('0.0.0.0/0')('::1'))
  assert.ok(!networks()('203.0.113.9'))
})
