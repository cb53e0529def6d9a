// The name an address has in the tree of PTR records (RFC 1035 §3.5, RFC 3596 §2.5).

import { parseAddress } from '#base/ip-network.ts'

/** `7.2.0.192.in-addr.arpa`; null for what is no IP address. */
export function reverseName(address: string): string | null {
  const bytes = parseAddress(address)
  if (bytes === null) return null
  const reversed = [...bytes].toReversed()
  if (bytes.length === 4) return `${reversed.join('.')}.in-addr.arpa`
  const nibbles = reversed.map((byte) => `${(byte & 15).toString(16)}.${(byte >> 4).toString(16)}`)
  return `${nibbles.join('.')}.ip6.arpa`
}
