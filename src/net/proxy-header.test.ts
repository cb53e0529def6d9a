import assert from 'node:assert/strict'
import { test } from 'node:test'
import { crc32c } from './crc32c.ts'
import { parseProxyHeader } from './proxy-header.ts'

const signature = Buffer.from('\r\n\r\n\0\r\nQUIT\n', 'latin1')
const ipv4 = Buffer.from([192, 0, 2, 7, 198, 51, 100, 1, 0x9c, 0xb0, 0, 25]) // 192.0.2.7:40112
const ipv6 = Buffer.concat([
  Buffer.from('20010db8000000000000000000000007', 'hex'),
  Buffer.from('20010db8000000000000000000000025', 'hex'),
  Buffer.from([0x9c, 0xb0, 0, 25]),
])

interface V2 {
  readonly command?: number
  readonly family?: number
  readonly payload?: Buffer
  /** What the header says of itself. */
  readonly length?: number
}

function v2({
  command = 0x21,
  family = 0x11,
  payload = ipv4,
  length = payload.length,
}: V2): Buffer {
  return Buffer.concat([
    signature,
    Buffer.from([command, family, length >> 8, length & 255]),
    payload,
  ])
}

function tlv(type: number, value: Buffer, length: number = value.length): Buffer {
  return Buffer.concat([Buffer.from([type, length >> 8, length & 255]), value])
}

function withChecksum(isRight: boolean): Buffer {
  const header = v2({ payload: Buffer.concat([ipv4, tlv(0x03, Buffer.alloc(4))]) })
  const sum = crc32c(header)
  header.writeUInt32BE(isRight ? sum : (sum ^ 1) >>> 0, header.length - 4)
  return header
}

const known: Readonly<Record<string, readonly [Buffer, string | null]>> = {
  'version 1, IPv4': [
    Buffer.from('PROXY TCP4 192.0.2.7 198.51.100.1 40112 25\r\n'),
    '192.0.2.7 40112',
  ],
  'version 1, IPv6': [
    Buffer.from('PROXY TCP6 2001:DB8:0::7 2001:db8::25 65535 25\r\n'),
    '2001:db8::7 65535',
  ],
  'version 1, IPv4 within IPv6': [
    Buffer.from('PROXY TCP6 ::ffff:192.0.2.7 ::1 1 25\r\n'),
    '192.0.2.7 1',
  ],
  'version 1, unknown': [Buffer.from('PROXY UNKNOWN\r\n'), null],
  'version 1, unknown with words': [Buffer.from('PROXY UNKNOWN ff ff 65535 65535\r\n'), null],
  'version 2, IPv4': [v2({}), '192.0.2.7 40112'],
  'version 2, IPv6': [v2({ family: 0x21, payload: ipv6 }), '2001:db8::7 40112'],
  'version 2, a unix socket': [v2({ family: 0x31, payload: Buffer.alloc(216, 0x61) }), null],
  'version 2, no family': [v2({ family: 0, payload: Buffer.alloc(0) }), null],
  'version 2, LOCAL with anything': [v2({ command: 0x20, family: 0xff, payload: ipv6 }), null],
  'version 2, TLVs are skipped': [
    v2({ payload: Buffer.concat([ipv4, tlv(0x04, Buffer.alloc(9)), tlv(0xea, Buffer.alloc(0))]) }),
    '192.0.2.7 40112',
  ],
  'version 2, the right checksum': [withChecksum(true), '192.0.2.7 40112'],
}

for (const [name, [header, client]] of Object.entries(known)) {
  test(`${name}: the same however it is split, and nothing behind it is taken`, () => {
    for (let length = 0; length < header.length; length += 1) {
      assert.deepEqual(parseProxyHeader(header.subarray(0, length)), { kind: 'incomplete' })
    }
    for (const behind of ['', 'EHLO x\r\n']) {
      const parsed = parseProxyHeader(Buffer.concat([header, Buffer.from(behind)]))
      assert.equal(parsed.kind, 'complete')
      if (parsed.kind !== 'complete') continue
      assert.equal(parsed.lengthBytes, header.length)
      const found = parsed.client
      assert.equal(found === null ? null : `${found.address} ${found.port}`, client)
    }
  })
}

const refused: Readonly<Record<string, readonly [Buffer | string, RegExp]>> = {
  'a client that just speaks': ['EHLO client.example\r\n', /does not begin/],
  'TLS from the first byte': [Buffer.from([0x16, 3, 1]), /does not begin/],
  'another signature': [
    Buffer.concat([signature.subarray(0, 11), Buffer.from('X')]),
    /does not begin/,
  ],
  'lower case': ['proxy TCP4 192.0.2.7 198.51.100.1 40112 25\r\n', /does not begin/],
  'a line without end': [`PROXY TCP4 ${'1'.repeat(200)}`, /does not end/],
  'LF alone': [`PROXY TCP4 192.0.2.7 198.51.100.1 40112 25\n${' '.repeat(100)}`, /does not end/],
  UDP: ['PROXY UDP4 192.0.2.7 198.51.100.1 40112 25\r\n', /protocol/],
  'IPv6 said to be IPv4': ['PROXY TCP4 2001:db8::7 2001:db8::25 1 25\r\n', /addresses/],
  'IPv4 said to be IPv6': ['PROXY TCP6 192.0.2.7 198.51.100.1 1 25\r\n', /addresses/],
  'a zone': ['PROXY TCP6 fe80::1%eth0 ::1 1 25\r\n', /addresses/],
  'an octet too large': ['PROXY TCP4 192.0.2.256 198.51.100.1 40112 25\r\n', /addresses/],
  'a name': ['PROXY TCP4 localhost 198.51.100.1 40112 25\r\n', /addresses/],
  'a port too large': ['PROXY TCP4 192.0.2.7 198.51.100.1 65536 25\r\n', /ports/],
  'a leading zero': ['PROXY TCP4 192.0.2.7 198.51.100.1 040 25\r\n', /ports/],
  'a sign': ['PROXY TCP4 192.0.2.7 198.51.100.1 -1 25\r\n', /ports/],
  'a port too few': ['PROXY TCP4 192.0.2.7 198.51.100.1 40112\r\n', /ports/],
  'a word too many': ['PROXY TCP4 192.0.2.7 198.51.100.1 40112 25 x\r\n', /ports/],
  'two spaces': ['PROXY TCP4  192.0.2.7 198.51.100.1 40112 25\r\n', /addresses/],
  'unknown, glued': ['PROXY UNKNOWNX\r\n', /protocol/],
  'version 3': [v2({ command: 0x31 }), /version or command/],
  'an unknown command': [v2({ command: 0x22 }), /version or command/],
  datagrams: [v2({ family: 0x12 }), /family or transport/],
  'an unknown family': [v2({ family: 0x41 }), /family or transport/],
  'a length too small for IPv4': [v2({ payload: ipv4.subarray(0, 11) }), /shorter/],
  'a length too small for IPv6': [v2({ family: 0x21 }), /shorter/],
  'a length for all of the memory': [v2({ length: 65_535 }), /longer than 4096/],
  'half a TLV': [v2({ payload: Buffer.concat([ipv4, Buffer.from([4, 0])]) }), /cut off/],
  'a TLV that lies': [
    v2({ payload: Buffer.concat([ipv4, tlv(4, Buffer.alloc(3), 4)]) }),
    /longer than the header/,
  ],
  'a wrong checksum': [withChecksum(false), /checksum/],
  'a short checksum': [v2({ payload: Buffer.concat([ipv4, tlv(3, Buffer.alloc(3))]) }), /checksum/],
}

for (const [name, [header, detail]] of Object.entries(refused)) {
  test(`refused: ${name}`, () => {
    const parsed = parseProxyHeader(Buffer.from(header))
    assert.equal(parsed.kind, 'malformed')
    if (parsed.kind === 'malformed') assert.match(parsed.detail, detail)
  })
}

test('CRC-32C as RFC 3720 has it', () => {
  assert.equal(crc32c(Buffer.alloc(32)), 0x8a9136aa)
  assert.equal(crc32c(Buffer.from('123456789')), 0xe3069283)
})
