// The header a proxy puts in front of a connection to say whose it is: PROXY protocol, versions 1 and 2
// (haproxy.org/download/3.0/doc/proxy-protocol.txt). Pure. It comes from an address that is trusted to send
// one and is not believed for that: it is right in every byte, or the connection ends.

import net from 'node:net'
import { crc32c } from './crc32c.ts'

export interface ProxiedAddress {
  /** IPv4 or IPv6 without brackets; an IPv4-mapped address is given as IPv4. */
  readonly address: string
  readonly port: number
}

export type ProxyHeader =
  /** Not wrong so far, but not all of it. */
  | { readonly kind: 'incomplete' }
  | {
      readonly kind: 'complete'
      /** What follows is the client's. */
      readonly lengthBytes: number
      /** Null: the proxy speaks for itself (LOCAL), or does not know (UNKNOWN, a unix socket). */
      readonly client: ProxiedAddress | null
    }
  | { readonly kind: 'malformed'; readonly detail: string }

/** Section 2.1: the longest header of version 1, its CR LF included. */
const maxV1Bytes = 107
/** Addresses and TLVs of version 2; the certificate facts of a TLS proxy are some hundred. */
const maxV2PayloadBytes = 4096
const v1Start = Buffer.from('PROXY ')
const v2Start = Buffer.from('\r\n\r\n\0\r\nQUIT\n', 'latin1')
const v2FixedBytes = 16
/** No header of either version is longer. */
export const maxProxyHeaderBytes: number = v2FixedBytes + maxV2PayloadBytes

/** `bytes`: all that has come so far. The same result however they were split. */
export function parseProxyHeader(bytes: Buffer): ProxyHeader {
  if (isStartOf(bytes, v1Start)) return bytes.length < v1Start.length ? incomplete : parseV1(bytes)
  if (isStartOf(bytes, v2Start)) return bytes.length < v2FixedBytes ? incomplete : parseV2(bytes)
  return malformed('it does not begin as one')
}

const incomplete: ProxyHeader = Object.freeze({ kind: 'incomplete' })

function malformed(detail: string): ProxyHeader {
  return { kind: 'malformed', detail }
}

function isStartOf(bytes: Buffer, start: Buffer): boolean {
  const length = Math.min(bytes.length, start.length)
  return bytes.subarray(0, length).equals(start.subarray(0, length))
}

function parseV1(bytes: Buffer): ProxyHeader {
  const line = bytes.subarray(0, maxV1Bytes)
  const end = line.indexOf('\r\n')
  if (end < 0) return bytes.length < maxV1Bytes ? incomplete : malformed('its line does not end')
  const lengthBytes = end + 2
  const text = line.toString('latin1', v1Start.length, end)
  // Section 2.1: whatever stands behind UNKNOWN is to be ignored.
  if (text === 'UNKNOWN' || text.startsWith('UNKNOWN ')) {
    return { kind: 'complete', lengthBytes, client: null }
  }
  const [protocol, source = '', destination = '', ...ports] = text.split(' ')
  const isIp = protocol === 'TCP4' ? net.isIPv4 : protocol === 'TCP6' ? isPlainIpv6 : null
  if (isIp === null) return malformed('its protocol is none of TCP4, TCP6 and UNKNOWN')
  if (!isIp(source) || !isIp(destination)) return malformed('its addresses are none')
  const [sourcePort, destinationPort] = ports.map(parsePort)
  if (ports.length !== 2 || sourcePort === null || destinationPort === null) {
    return malformed('its ports are none')
  }
  const client = { address: canonical(source), port: sourcePort ?? 0 }
  return { kind: 'complete', lengthBytes, client }
}

/** Without a zone: that is an affair of the proxy's own machine. */
function isPlainIpv6(text: string): boolean {
  return net.isIPv6(text) && !text.includes('%')
}

/** Decimal, without leading zeros (section 2.1). */
function parsePort(text: string): number | null {
  return /^(?:0|[1-9]\d{0,4})$/.test(text) && Number(text) <= 65_535 ? Number(text) : null
}

/** Version 2, first nibble; second: 0 for LOCAL, 1 for PROXY. */
const localCommand = 0x20
const proxyCommand = 0x21

/** Family and transport to the length of the addresses, for those that can come over TCP. */
const addressBytes: Readonly<Record<number, number>> = { 0x00: 0, 0x11: 12, 0x21: 36, 0x31: 216 }

function parseV2(bytes: Buffer): ProxyHeader {
  const command = bytes[12] ?? 0
  if (command !== localCommand && command !== proxyCommand) {
    return malformed('its version or command is not known')
  }
  const payloadBytes = bytes.readUInt16BE(14)
  if (payloadBytes > maxV2PayloadBytes) {
    return malformed(`it says it is longer than ${maxV2PayloadBytes} bytes`)
  }
  const lengthBytes = v2FixedBytes + payloadBytes
  if (bytes.length < lengthBytes) return incomplete
  const header = bytes.subarray(0, lengthBytes)
  // Section 2.2: for LOCAL the rest is to be skipped, whatever it is.
  if (command === localCommand) return { kind: 'complete', lengthBytes, client: null }
  const family = header[13] ?? 0
  const addresses = addressBytes[family]
  if (addresses === undefined) return malformed('its family or transport is not one of TCP')
  if (payloadBytes < addresses) return malformed('it is shorter than its addresses')
  const problem = problemOfTlvs(header, v2FixedBytes + addresses)
  if (problem !== null) return malformed(problem)
  return { kind: 'complete', lengthBytes, client: v2Client(header, family) }
}

function v2Client(header: Buffer, family: number): ProxiedAddress | null {
  if (family === 0x11) {
    const address = header.subarray(16, 20).join('.')
    return { address, port: header.readUInt16BE(24) }
  }
  if (family !== 0x21) return null
  const groups = Array.from({ length: 8 }, (_, index) =>
    header.readUInt16BE(16 + 2 * index).toString(16),
  )
  return { address: canonical(groups.join(':')), port: header.readUInt16BE(48) }
}

const crcType = 0x03

/** They fill the rest exactly; the checksum, if there is one, is right (section 2.2.3). */
function problemOfTlvs(header: Buffer, from: number): string | null {
  let offset = from
  while (offset < header.length) {
    if (header.length - offset < 3) return 'a TLV is cut off'
    const type = header[offset]
    const length = header.readUInt16BE(offset + 1)
    const value = offset + 3
    if (value + length > header.length) return 'a TLV is longer than the header'
    if (type === crcType && (length !== 4 || !isChecksumRight(header, value))) {
      return 'its checksum is wrong'
    }
    offset = value + length
  }
  return null
}

function isChecksumRight(header: Buffer, at: number): boolean {
  const zeroed = Buffer.from(header)
  zeroed.fill(0, at, at + 4)
  return crc32c(zeroed) === header.readUInt32BE(at)
}

function canonical(address: string): string {
  if (net.isIPv4(address)) return address
  const text = new net.SocketAddress({ family: 'ipv6', address }).address
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(text)
  return mapped?.[1] ?? text
}
