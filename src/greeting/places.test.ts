import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseNetwork } from '#base/network.ts'
import { networkOf, Places, type ListEntry, type Standing } from './places.ts'

function entry(text: string, standing: Standing): ListEntry {
  const network = parseNetwork(text)
  assert.ok(network.ok, text)
  return { network: network.value, standing }
}

const places = new Places([
  entry('127.0.0.0/8', 'exempt'),
  entry('127.0.0.66', 'deny'),
  entry('192.0.2.0/24', 'deny'),
  entry('192.0.2.128/25', 'allow'),
  entry('192.0.2.129', 'deny'),
  entry('198.51.100.0/24', 'allow'),
  entry('198.51.100.0/24', 'deny'),
  entry('2001:db8::/32', 'deny'),
  entry('2001:db8:1::/48', 'allow'),
])

const found: readonly (readonly [address: string, standing: string, entry: string])[] = [
  ['127.0.0.1', 'exempt', '127.0.0.0/8'],
  ['127.0.0.66', 'deny', '127.0.0.66'], // exempt networks are not above a deny list
  ['192.0.2.1', 'deny', '192.0.2.0/24'],
  ['192.0.2.128', 'allow', '192.0.2.128/25'],
  ['192.0.2.129', 'deny', '192.0.2.129'],
  ['192.0.3.1', 'none', ''],
  ['198.51.100.7', 'deny', '198.51.100.0/24'], // of two for one network deny has the last word
  ['2001:db8::1', 'deny', '2001:db8::/32'],
  ['2001:DB8:1::1', 'allow', '2001:db8:1::/48'],
  ['2001:db9::1', 'none', ''],
  ['::ffff:192.0.2.1', 'deny', '192.0.2.0/24'],
  ['unknown', 'none', ''],
]

for (const [address, standing, network] of found) {
  test(`${address}: ${standing} ${network}`, () => {
    assert.deepEqual(places.find(address), { standing, entry: network })
  })
}

test('the whole Internet may be denied, and a part of it let in', () => {
  const most = new Places([entry('0.0.0.0/0', 'deny'), entry('203.0.113.0/24', 'allow')])
  assert.equal(most.find('203.0.113.7').standing, 'allow')
  assert.equal(most.find('203.0.114.7').standing, 'deny')
  assert.equal(most.find('2001:db8::1').standing, 'none')
})

test('a client is counted with its /24 of IPv4, its /64 of IPv6', () => {
  assert.equal(networkOf('192.0.2.7'), '192.0.2.0/24')
  assert.equal(networkOf('2001:db8:0:7::1'), '2001:db8:0:7::/64')
  assert.equal(networkOf('2001:db8:0:7:ffff:ffff:ffff:ffff'), '2001:db8:0:7::/64')
  assert.notEqual(networkOf('2001:db8:0:8::1'), networkOf('2001:db8:0:7::1'))
  assert.equal(networkOf('::1'), '0:0:0:0::/64')
})
