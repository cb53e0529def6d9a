// IP addresses as bytes, and networks of them: for lists of clients, and for what clients of one network
// have in common.

import { failure, success, type Result } from './result.ts'

export interface Network {
  /** 4 or 16 bytes; those behind the prefix are zero. */
  readonly bytes: Uint8Array
  readonly prefixLength: number
}

const octet = '(?:25[0-5]|2[0-4]\\d|1\\d\\d|[1-9]?\\d)'
const ipv4Pattern = new RegExp(`^${octet}(?:\\.${octet}){3}$`)

/**
 * 4 or 16 bytes of an IPv4 or IPv6 address without brackets, null if it is none. An IPv4-mapped address
 * becomes the IPv4 address it is; zones (`%eth0`) are not taken.
 */
export function parseAddress(text: string): Uint8Array | null {
  if (ipv4Pattern.test(text)) return Uint8Array.from(text.split('.'), Number)
  if (text.length > 45 || !text.includes(':')) return null
  const halves = text.split('::')
  const [head, tail] = halves.map((half, index) => groupsOf(half, index === halves.length - 1))
  if (halves.length > 2 || head === undefined || head === null || tail === null) return null
  const groups = tail === undefined ? head : filledUp(head, tail)
  if (groups?.length !== 8) return null
  const bytes = Uint8Array.from(groups.flatMap((group) => [group >> 8, group & 255]))
  return isMapped(bytes) ? bytes.subarray(12) : bytes
}

/** `192.0.2.0/24`, `2001:db8::/32`, or an address, which is a network of its own. */
export function parseNetwork(text: string): Result<Network> {
  const [written = '', length, ...more] = text.split('/')
  const bytes = parseAddress(written)
  if (bytes === null || more.length > 0) {
    return failure('expected an IP address or a network such as 192.0.2.0/24')
  }
  const maxLength = bytes.length * 8
  const prefixLength = length === undefined ? maxLength : Number(length)
  if (length !== undefined && (!/^\d{1,3}$/.test(length) || prefixLength > maxLength)) {
    return failure(`the length of its prefix is a number from 0 to ${maxLength}`)
  }
  const masked = maskedBytes(bytes, prefixLength)
  // 192.0.2.1/24 is a slip: nobody knows whether the address or the network was meant.
  return masked.every((byte, index) => byte === bytes[index])
    ? success({ bytes, prefixLength })
    : failure(`it has bits behind its prefix; the network is ${networkText(masked, prefixLength)}`)
}

/** The network of an address: `192.0.2.0/24`, `2001:db8:0:1:0:0:0:0/64`. One text for each network. */
export function networkOf(
  address: Uint8Array,
  prefixLengths: { readonly ipv4: number; readonly ipv6: number },
): string {
  const prefixLength = address.length === 4 ? prefixLengths.ipv4 : prefixLengths.ipv6
  return networkText(maskedBytes(address, prefixLength), prefixLength)
}

/** Networks, asked whether an address is in one of them: one look for each length of a prefix. */
export class NetworkSet {
  readonly #byLength = new Map<number, Set<string>>()

  constructor(networks: Iterable<Network> = []) {
    for (const { bytes, prefixLength } of networks) {
      const length = lengthKey(bytes, prefixLength)
      const known = this.#byLength.get(length) ?? new Set()
      this.#byLength.set(length, known.add(keyOf(bytes)))
    }
  }

  has(address: Uint8Array): boolean {
    for (const [length, networks] of this.#byLength) {
      const isSameFamily = length >= 256 === (address.length === 16)
      if (isSameFamily && networks.has(keyOf(maskedBytes(address, length % 256)))) return true
    }
    return false
  }
}

function lengthKey(bytes: Uint8Array, prefixLength: number): number {
  return (bytes.length === 16 ? 256 : 0) + prefixLength
}

function keyOf(bytes: Uint8Array): string {
  return String.fromCharCode(...bytes)
}

function maskedBytes(bytes: Uint8Array, prefixLength: number): Uint8Array {
  return bytes.map((byte, index) => {
    const bits = Math.min(8, Math.max(0, prefixLength - index * 8))
    return byte & (0xff00 >> bits) & 0xff
  })
}

function networkText(bytes: Uint8Array, prefixLength: number): string {
  if (bytes.length === 4) return `${bytes.join('.')}/${prefixLength}`
  const groups = Array.from({ length: 8 }, (_, index) => {
    const [high = 0, low = 0] = bytes.subarray(index * 2, index * 2 + 2)
    return ((high << 8) | low).toString(16)
  })
  return `${groups.join(':')}/${prefixLength}`
}

/** Null: not groups of an IPv6 address. The last one of all may be an IPv4 address. */
function groupsOf(text: string, isEnd: boolean): readonly number[] | null {
  if (text === '') return []
  const groups: number[] = []
  const parts = text.split(':')
  for (const [index, part] of parts.entries()) {
    if (/^[\da-f]{1,4}$/i.test(part)) groups.push(Number.parseInt(part, 16))
    else if (isEnd && index === parts.length - 1 && ipv4Pattern.test(part)) {
      const [a = 0, b = 0, c = 0, d = 0] = part.split('.').map(Number)
      groups.push((a << 8) | b, (c << 8) | d)
    } else return null
  }
  return groups
}

/** `::` stands for one group of zeros at least. */
function filledUp(head: readonly number[], tail: readonly number[]): readonly number[] | null {
  const zeroCount = 8 - head.length - tail.length
  return zeroCount < 1 ? null : [...head, ...Array<number>(zeroCount).fill(0), ...tail]
}

function isMapped(bytes: Uint8Array): boolean {
  return bytes.every((byte, index) => index > 11 || byte === (index > 9 ? 255 : 0))
}
