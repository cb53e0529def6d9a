import assert from 'node:assert/strict'
import { networkInterfaces } from 'node:os'
import { test } from 'node:test'
import { defaultOf } from '#config/defaults.ts'
import { objectionTo } from './destinations.ts'

const dns = {
  servers: [],
  timeoutMs: 1000,
  attemptCount: 1,
  refuseAddresses: defaultOf('dns.refuseAddresses').value as readonly string[],
}
const config = {
  hostname: 'relay.example.org',
  listen: [{ address: '0.0.0.0', port: 25 }],
  dns,
}

const refusedByName = [
  '127.0.0.1',
  '127.255.255.254',
  '0.0.0.0',
  '169.254.169.254',
  '224.0.0.1',
  '255.255.255.255',
  '::1',
  '::',
  '::ffff:127.0.0.1',
  'fe80::1',
  'ff02::1',
]
for (const address of refusedByName) {
  test(`${address}: not by a name, but as it is written`, () => {
    const to = objectionTo(config)
    assert.equal(to({ address, port: 2525, isFromDns: true })?.isOwn, false)
    assert.equal(to({ address, port: 2525, isFromDns: false }), null)
  })
}

for (const address of [
  '10.1.2.3',
  '172.16.0.1',
  '192.168.1.1',
  '100.64.0.1',
  'fd00::1',
  '192.0.2.1',
]) {
  test(`${address}: an institute's server may be there`, () => {
    const to = objectionTo(config)
    assert.equal(to({ address, port: 25, isFromDns: true }), null)
  })
}

test('the relay itself is refused in any spelling', () => {
  const to = objectionTo({ ...config, dns: { ...dns, refuseAddresses: [] } })
  const own = Object.values(networkInterfaces()).flatMap((each) => each ?? [])
  const addresses = own.filter(({ family }) => family === 'IPv4').map(({ address }) => address)
  for (const address of [...addresses, '127.0.0.1', '127.9.9.9', '0.0.0.0', '::ffff:127.0.0.1']) {
    for (const isFromDns of [true, false]) {
      assert.equal(to({ address, port: 25, isFromDns })?.isOwn, true, address)
      assert.equal(to({ address, port: 26, isFromDns }), null)
    }
  }
})
