// Is a text an IP address?

import net from 'node:net'

/** IPv4 or IPv6, without brackets. */
export function isIP(text: string): boolean {
  return net.isIP(text) !== 0
}
