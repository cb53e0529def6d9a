// The name an address has in the tree of PTR records (RFC 1035 §3.5, RFC 3596 §2.5).

import { addressBits } from '#base/network.ts'

/** `7.2.0.192.in-addr.arpa`; null for what is no IP address. */
export function reverseName(address: string): string | null {
  const parsed = addressBits(address)
  if (parsed === null) return null
  const { family, bits } = parsed
  const hexadecimal = bits.toString(16).padStart(family === 4 ? 8 : 32, '0')
  if (family === 6) return `${hexadecimal.split('').toReversed().join('.')}.ip6.arpa`
  const octets = hexadecimal.match(/../g) ?? []
  return `${octets
    .map((octet) => Number.parseInt(octet, 16))
    .toReversed()
    .join('.')}.in-addr.arpa`
}
