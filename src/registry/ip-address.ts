// IP addresses in one canonical spelling, so that they can be compared as strings (RFC 5952).

const octet = '(?:25[0-5]|2[0-4]\\d|1\\d\\d|[1-9]?\\d)'
const ipv4 = new RegExp(`^${octet}(?:\\.${octet}){3}$`)

/**
 * The canonical form of an IPv4 or IPv6 address without brackets, or undefined if it is none.
 * IPv4-mapped IPv6 becomes the IPv4 address it is; zones (`%eth0`) are not taken.
 */
export function canonicalAddress(text: string): string | undefined {
  if (ipv4.test(text)) return text
  if (!/^[\da-f:.]{2,45}$/i.test(text) || !text.includes(':')) return undefined
  const hostname = URL.parse(`http://[${text}]`)?.hostname // compresses as RFC 5952 §4 asks
  return hostname === undefined ? undefined : unmapped(hostname.slice(1, -1))
}

export function isIpv4(address: string): boolean {
  return !address.includes(':')
}

function unmapped(address: string): string {
  const match = /^::ffff:([\da-f]{1,4}):([\da-f]{1,4})$/.exec(address)
  if (match === null) return address
  const high = Number.parseInt(match[1] ?? '', 16)
  const low = Number.parseInt(match[2] ?? '', 16)
  return `${high >> 8}.${high & 255}.${low >> 8}.${low & 255}`
}
