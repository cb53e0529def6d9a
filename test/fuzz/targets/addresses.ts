// IP addresses and networks, beside the runtime's own idea of them.

import assert from 'node:assert/strict'
import net from 'node:net'
import { addressBits, firstOf, parseNetwork } from '#base/network.ts'
import type { FuzzTarget } from '../target.ts'

export const addresses: FuzzTarget = {
  name: 'addresses',
  words: [
    '192.0.2.1',
    '0',
    '255',
    '256',
    '01',
    '.',
    ':',
    '::',
    'ffff',
    '::ffff:',
    '2001:db8::',
    '/',
    '/0',
    '/8',
    '/32',
    '/64',
    '/128',
    '/129',
    '%eth0',
    'g',
    '[',
    ']',
    ' ',
    '1',
    'FE80::1',
  ],
  check: (bytes) => {
    const text = bytes.toString('latin1')
    const bits = addressBits(text)
    assert.equal(bits !== null, net.isIP(text) !== 0 && !text.includes('%'), JSON.stringify(text))
    const network = parseNetwork(text)
    if (!network.ok) {
      assert.match(network.problem, /^[ -~]{1,120}$/)
      return
    }
    const { family, length, bits: first } = network.value
    const width = family === 4 ? 32 : 128
    assert.ok(length >= 0 && length <= width)
    assert.equal(firstOf(first, width, length), first)
    const [address = '', prefix] = text.split('/')
    const isMapped = family === 4 && address.includes(':')
    if (isMapped || prefix === undefined) return
    const list = new net.BlockList()
    list.addSubnet(address, Number(prefix), family === 4 ? 'ipv4' : 'ipv6')
    assert.ok(list.check(address, family === 4 ? 'ipv4' : 'ipv6'))
  },
}
