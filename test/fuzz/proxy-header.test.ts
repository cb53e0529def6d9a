// A PROXY header is read the same however it is cut, and whatever it says, nothing is thrown and what comes
// out is an address.

import assert from 'node:assert/strict'
import { isIP } from 'node:net'
import { test } from 'node:test'
import fc from 'fast-check'
import { maxProxyHeaderBytes, parseProxyHeader, type ProxyHeader } from '#net/proxy-header.ts'
import { timeBoxed, trickyBytes } from './support.ts'

const signature = Buffer.from('\r\n\r\n\0\r\nQUIT\n', 'latin1')
const word = fc.constantFrom(
  'TCP4',
  'TCP6',
  'UNKNOWN',
  '192.0.2.7',
  '::1',
  '::ffff:1.2.3.4',
  '25',
  '0',
  '65536',
  '%',
  '',
)
const line = fc
  .array(word, { maxLength: 7 })
  .map((words) => Buffer.from(`PROXY ${words.join(' ')}\r\n`))
const binary = fc
  .tuple(
    fc.constantFrom(0x20, 0x21, 0x22, 0x31),
    fc.constantFrom(0, 0x11, 0x12, 0x21, 0x31, 0x41),
    fc.option(fc.integer({ min: 0, max: 65_535 }), { nil: null }),
    fc.uint8Array({ maxLength: 260 }),
  )
  .map(([command, family, length, payload]) => {
    const said = length ?? payload.length
    const fixed = Buffer.from([command, family, said >> 8, said & 255])
    return Buffer.concat([signature, fixed, payload])
  })
const header = fc.oneof(line, binary, trickyBytes('PROXY ', signature.toString('latin1')))

/** As it is read when it comes in two pieces. */
function readIn(bytes: Buffer, cut: number): ProxyHeader {
  const first = parseProxyHeader(bytes.subarray(0, cut))
  return first.kind === 'incomplete' ? parseProxyHeader(bytes) : first
}

test('PROXY headers: cutting changes nothing, and a client is an address', () => {
  fc.assert(
    fc.property(header, fc.nat(300), fc.uint8Array({ maxLength: 9 }), (bytes, cut, behind) => {
      const whole = parseProxyHeader(Buffer.concat([bytes, behind]))
      assert.deepEqual(readIn(Buffer.concat([bytes, behind]), cut).kind, whole.kind)
      if (whole.kind !== 'complete') return
      assert.deepEqual(readIn(Buffer.concat([bytes, behind]), cut), whole)
      assert.ok(whole.lengthBytes <= bytes.length + behind.length)
      assert.ok(whole.lengthBytes <= maxProxyHeaderBytes)
      if (whole.client === null) return
      assert.notEqual(isIP(whole.client.address), 0)
      assert.doesNotMatch(whole.client.address, /%|^::ffff:\d/)
      assert.ok(whole.client.port >= 0 && whole.client.port <= 65_535)
    }),
    timeBoxed,
  )
})
