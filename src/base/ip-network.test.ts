import assert from 'node:assert/strict'
import { test } from 'node:test'
import { networkOf, NetworkSet, parseAddress, parseNetwork, type Network } from './ip-network.ts'

const addresses: Readonly<Record<string, readonly number[] | null>> = {
  '192.0.2.7': [192, 0, 2, 7],
  '::ffff:192.0.2.7': [192, 0, 2, 7],
  '::ffff:c000:207': [192, 0, 2, 7],
  '::1': [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1],
  '2001:DB8::a': [0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 10],
  '1:2:3:4:5:6:7:8': [0, 1, 0, 2, 0, 3, 0, 4, 0, 5, 0, 6, 0, 7, 0, 8],
  '1:2:3:4:5:6:7::': [0, 1, 0, 2, 0, 3, 0, 4, 0, 5, 0, 6, 0, 7, 0, 0],
  '': null,
  '192.0.2': null,
  '192.0.2.256': null,
  '192.0.2.07': null, // octal elsewhere
  '1:2:3:4:5:6:7': null,
  '1:2:3:4:5:6:7:8:9': null,
  '1::2::3': null,
  '1:2:3:4::5:6:7:8': null, // nothing left for the zeros
  '192.0.2.7::': null,
  'fe80::1%eth0': null,
  'host.example': null,
}

for (const [text, bytes] of Object.entries(addresses)) {
  test(`the address ${text || '(nothing)'}`, () => {
    const parsed = parseAddress(text)
    assert.deepEqual(parsed === null ? null : [...parsed], bytes)
  })
}

function networks(...texts: readonly string[]): NetworkSet {
  const parsed: Network[] = texts.map((text) => {
    const network = parseNetwork(text)
    assert.ok(network.ok, text)
    return network.value
  })
  return new NetworkSet(parsed)
}

function bytesOf(address: string): Uint8Array {
  return parseAddress(address) ?? assert.fail(address)
}

test('an address is in a network of any length, and in none of the other family', () => {
  const set = networks('192.0.2.128/25', '198.51.100.7', '2001:db8::/33', '10.0.0.0/8')
  for (const address of ['192.0.2.128', '192.0.2.255', '198.51.100.7', '10.9.8.7']) {
    assert.ok(set.has(bytesOf(address)), address)
  }
  assert.ok(set.has(bytesOf('2001:db8:7fff::1')))
  for (const address of ['192.0.2.127', '198.51.100.8', '11.0.0.1', '2001:db8:8000::1', 'a00::']) {
    assert.ok(!set.has(bytesOf(address)), address)
  }
  assert.ok(networks('0.0.0.0/0').has(bytesOf('203.0.113.9')))
  assert.ok(!networks('0.0.0.0/0').has(bytesOf('::1')))
  assert.ok(!new NetworkSet().has(bytesOf('203.0.113.9')))
})

test('what is no network is refused, with the network that was meant', () => {
  for (const text of ['192.0.2.0/33', '192.0.2.0/', '192.0.2.0/24/24', '192.0.2.0/-1', 'x/8', '']) {
    assert.ok(!parseNetwork(text).ok, text)
  }
  const slip = parseNetwork('192.0.2.1/24')
  assert.match(slip.ok ? '' : slip.problem, /192\.0\.2\.0\/24/)
})

test('the network of a client has one text', () => {
  const lengths = { ipv4: 24, ipv6: 64 }
  assert.equal(networkOf(bytesOf('192.0.2.7'), lengths), '192.0.2.0/24')
  assert.equal(networkOf(bytesOf('2001:db8::1:2:3:4'), lengths), '2001:db8:0:0:0:0:0:0/64')
  assert.equal(
    networkOf(bytesOf('2001:db8:0:0:ffff::'), lengths),
    networkOf(bytesOf('2001:db8::'), lengths),
  )
})
