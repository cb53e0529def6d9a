// What a triple is: which attempts count as the same one.

import { hash } from 'node:crypto'
import { addressBits, firstOf } from '#base/network.ts'
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

/** One text for each /24 or /64: its first address in hexadecimal, `c0000200/24`. */
export function networkText(clientAddress: string): string {
  const parsed = addressBits(clientAddress)
  if (parsed === null) return clientAddress
  const { family, bits } = parsed
  return family === 4
    ? `${firstOf(bits, 32, 24).toString(16)}/24`
    : `${firstOf(bits, 128, 64).toString(16)}/64`
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
