// IP addresses as numbers, and networks in CIDR notation (RFC 4632, RFC 4291 §2.3).

import { failure, success, type Result } from './result.ts'

export type Family = 4 | 6

/** `bits`: 32 of them with family 4, 128 with family 6. */
export interface AddressBits {
  readonly family: Family
  readonly bits: bigint
}

export interface Network extends AddressBits {
  /** 0 to 32, or to 128. */
  readonly length: number
  /** `192.0.2.0/24` as written, without anything behind the prefix. */
  readonly text: string
}

const octet = '(?:25[0-5]|2[0-4]\\d|1\\d\\d|[1-9]?\\d)'
const ipv4 = new RegExp(`^${octet}(?:\\.${octet}){3}$`)

/** Null for what is no address. An IPv4-mapped one is the IPv4 address it is; zones are not taken. */
export function addressBits(text: string): AddressBits | null {
  if (ipv4.test(text)) return { family: 4, bits: ipv4Bits(text) }
  if (!/^[\da-f:.]{2,45}$/i.test(text) || !text.includes(':')) return null
  // The URL parser knows every way to write an IPv6 address, and gives RFC 5952 §4 back.
  const hostname = URL.parse(`http://[${text}]`)?.hostname
  if (hostname === undefined) return null
  const bits = ipv6Bits(hostname.slice(1, -1))
  return bits >> 32n === 0xffffn ? { family: 4, bits: bits & 0xffff_ffffn } : { family: 6, bits }
}

/** `192.0.2.0/24`, `2001:db8::/32`, or an address, which is a network of one. */
export function parseNetwork(text: string): Result<Network> {
  const [address = '', prefix, ...more] = text.split('/')
  const base = addressBits(address)
  if (base === null || more.length > 0) {
    return failure('expected an address or a network such as 192.0.2.0/24 or 2001:db8::/32')
  }
  const width = base.family === 4 ? 32 : 128
  if (prefix !== undefined && !/^\d{1,3}$/.test(prefix)) {
    return failure(`the length behind the slash must be a number from 0 to ${width}`)
  }
  const length = prefix === undefined ? width : Number(prefix)
  if (length > width) return failure(`the length behind the slash is at most ${width}`)
  // 192.0.2.7/24 is more likely a slip than a network: which of the two was meant?
  if (base.bits !== firstOf(base.bits, width, length)) {
    return failure(`there are bits set behind the first ${length}; write the first address of it`)
  }
  return success({ ...base, length, text })
}

/** The first address of the network of that length an address is in. */
export function firstOf(bits: bigint, width: number, length: number): bigint {
  const rest = BigInt(width - length)
  return (bits >> rest) << rest
}

function ipv4Bits(text: string): bigint {
  let bits = 0
  for (const part of text.split('.')) bits = bits * 256 + Number(part)
  return BigInt(bits)
}

/** Of the canonical form: hexadecimal groups, `::` at most once. */
function ipv6Bits(text: string): bigint {
  const [head = '', tail] = text.split('::')
  const left = groupsOf(head)
  const right = tail === undefined ? [] : groupsOf(tail)
  const zeros = Array.from({ length: 8 - left.length - right.length }, () => 0)
  let bits = 0n
  for (const group of [...left, ...zeros, ...right]) bits = (bits << 16n) | BigInt(group)
  return bits
}

function groupsOf(text: string): readonly number[] {
  return text === '' ? [] : text.split(':').map((group) => Number.parseInt(group, 16))
}
