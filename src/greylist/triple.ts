// What a triple is: which attempts count as the same one.

import { hash } from 'node:crypto'
import { networkOf, parseAddress } from '#base/ip-network.ts'
import type { Attempt } from './greylist.ts'

/** 16 bytes. Addresses are not stored: who writes to whom is nobody's business for 36 days. */
export type TripleKey = Uint8Array

export interface Triple {
  readonly key: TripleKey
  readonly network: string
}

export function tripleOf({ clientAddress, sender, recipient }: Attempt): Triple {
  const network = networkText(clientAddress)
  const parts = [network, steadySender(sender.toLowerCase()), recipient.toLowerCase()]
  return { key: hash('sha256', parts.join('\n'), 'buffer').subarray(0, 16), network }
}

/** `192.0.2.0/24`, `2001:db8:0:1:0:0:0:0/64`. */
export function networkText(clientAddress: string): string {
  const bytes = parseAddress(clientAddress)
  return bytes === null ? clientAddress : networkOf(bytes, { ipv4: 24, ipv6: 64 })
}

/**
 * Without what lists, forwarders and bounce filters change from mail to mail, so that the second mail of a
 * list does not wait as the first one did. `sender` in lower case.
 */
export function steadySender(sender: string): string {
  const at = sender.lastIndexOf('@')
  if (at < 0) return sender
  const local = sender
    .slice(0, at)
    .replace(/^prvs=[^=]*=/, '') // BATV
    .replace(/^srs([01])[=+-][^=]*=[^=]*=/, 'srs$1=') // SRS: a hash and a day
    .replace(/\+.*$/, '') // VERP, and details of any kind
    .replaceAll(/[\da-f]*\d[\da-f]*/g, '#') // counters and hashes
  return `${local}${sender.slice(at)}`
}
