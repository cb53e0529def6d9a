// The header of a proxy: the same at every length, bounded, and version 1 as a regular expression says it.

import assert from 'node:assert/strict'
import { maxProxyHeaderBytes, parseProxyHeader } from '#net/proxy-header.ts'
import type { FuzzTarget } from '../target.ts'

const port = '(?:0|[1-9]\\d{0,4})'
const octet = '(?:0|[1-9]\\d?|1\\d\\d|2[0-4]\\d|25[0-5])'
const ipv4 = `${octet}(?:\\.${octet}){3}`
const tcp4 = new RegExp(`^PROXY TCP4 (${ipv4}) ${ipv4} (${port}) ${port}\\r\\n`)

export const proxyHeader: FuzzTarget = {
  name: 'proxy-header',
  words: [
    'PROXY ',
    'TCP4 ',
    'TCP6 ',
    'UNKNOWN',
    '192.0.2.1 ',
    '198.51.100.255 ',
    '2001:db8::1 ',
    '::ffff:192.0.2.1 ',
    '::1%lo ',
    '256.0.0.1 ',
    '025.0.0.1 ',
    '25 ',
    '65535',
    '65536',
    '0',
    '\r\n',
    '\r\n\r\n\0\r\nQUIT\n',
    '\x20\x00\x00\x00',
    '\x21\x11\x00\x0c',
    '\x21\x21\x00\x24',
    '\x21\x11\x10\x00',
    '\x03\x00\x04',
    '\x04\x00\x00',
    'x'.repeat(12),
    '\0'.repeat(36),
    '\xff\xff',
    'EHLO x\r\n',
  ],
  check: (bytes) => {
    const whole = parseProxyHeader(bytes)
    const limit = Math.min(bytes.length, maxProxyHeaderBytes + 1)
    let before = parseProxyHeader(Buffer.alloc(0))
    for (let length = 1; length <= limit; length += 1) {
      const now = parseProxyHeader(bytes.subarray(0, length))
      // Whatever is decided stays decided.
      if (before.kind !== 'incomplete') assert.deepEqual(now, before)
      before = now
    }
    if (limit === bytes.length) assert.deepEqual(before, whole)
    if (whole.kind === 'malformed') assert.match(whole.detail, /^[ -~]{1,100}$/)
    if (bytes.length > maxProxyHeaderBytes) assert.notEqual(whole.kind, 'incomplete')
    const match = tcp4.exec(bytes.toString('latin1'))
    const isRight =
      match !== null &&
      match[0]
        .split(' ')
        .slice(4)
        .every((text) => Number(text.trim()) <= 65_535)
    if (whole.kind === 'complete') {
      assert.ok(whole.lengthBytes <= bytes.length && whole.lengthBytes <= maxProxyHeaderBytes)
      if (whole.client !== null) assert.match(whole.client.address, /^[\da-f:.]{2,45}$/)
      if (bytes.toString('latin1').startsWith('PROXY TCP4 ')) {
        assert.ok(isRight)
        assert.deepEqual(whole.client, { address: match?.[1], port: Number(match?.[2]) })
      }
    } else assert.ok(!isRight, 'a right header is not taken')
  },
}
