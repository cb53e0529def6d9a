// TLSA records and certificates (RFC 6698, RFC 7672).

import { createHash } from 'node:crypto'
import type { ProbeCertificate } from '#net/probe-stream.ts'

/** What the DNS says of `_25._tcp.<host>`. Only what DNSSEC secures counts (RFC 7672 §2.1.1). */
export type TlsaAnswer =
  | { readonly kind: 'secure'; readonly records: readonly string[] }
  | { readonly kind: 'insecure' }
  | { readonly kind: 'none' }
  | { readonly kind: 'failed'; readonly detail: string }

export interface Tlsa {
  /** 2 DANE-TA, 3 DANE-EE; others are unusable with SMTP (RFC 7672 §3.1.3). */
  readonly usage: number
  readonly selector: number
  readonly matching: number
  /** Lower-case hexadecimal. */
  readonly data: string
}

/** Null: too short for a record. `hex` as on the wire. */
export function parseTlsa(hex: string): Tlsa | null {
  if (!/^(?:[0-9a-f]{2}){4,}$/.test(hex)) return null
  const byte = (index: number): number => Number.parseInt(hex.slice(2 * index, 2 * index + 2), 16)
  return { usage: byte(0), selector: byte(1), matching: byte(2), data: hex.slice(6) }
}

export function isUsable({ usage, selector, matching }: Tlsa): boolean {
  return (usage === 2 || usage === 3) && selector <= 1 && matching <= 2
}

/** `chain` as sent, the leaf first. */
export function matchesTlsa(tlsa: Tlsa, chain: readonly ProbeCertificate[]): boolean {
  if (!isUsable(tlsa)) return false
  const meant = tlsa.usage === 3 ? chain.slice(0, 1) : chain
  return meant.some((certificate) => {
    const bytes = tlsa.selector === 0 ? certificate.raw : certificate.publicKey
    return digest(bytes, tlsa.matching) === tlsa.data
  })
}

function digest(bytes: Buffer, matching: number): string {
  if (matching === 0) return bytes.toString('hex')
  return createHash(matching === 1 ? 'sha256' : 'sha512')
    .update(bytes)
    .digest('hex')
}
