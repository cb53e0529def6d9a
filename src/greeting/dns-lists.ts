// Lists on the DNS: what is asked, what an answer says, what all of them are worth. Pure (RFC 5782).

import { addressBits } from '#base/network.ts'
import type { DnsZone } from './greeting.ts'

/** What is asked for: the address backwards, in front of the list's domain. Null for no address. */
export function reversedName(address: string, domain: string): string | null {
  const found = addressBits(address)
  if (found === null) return null
  const { family, bits } = found
  const digits =
    family === 4
      ? [24n, 16n, 8n, 0n].map((shift) => String((bits >> shift) & 255n))
      : bits.toString(16).padStart(32, '0').split('')
  return `${digits.toReversed().join('.')}.${domain}`
}

/** Whether an answer of the list's is one of an entry. */
export function isEntry(zone: DnsZone, answer: string): boolean {
  const octets = answer.split('.').map(Number)
  // RFC 5782 §2.3. An address elsewhere is the work of somebody who sells expired domains.
  if (octets.length !== 4 || octets[0] !== 127) return false
  if (zone.answers === null) return !isErrorCode(octets)
  return zone.answers.every((ranges, index) => {
    const octet = octets[index] ?? -1
    return ranges.some(([low, high]) => octet >= low && octet <= high)
  })
}

/** Spamhaus and others: asked through a public resolver, too often, or misspelled; no entry. */
export function isErrorCode(octets: readonly number[]): boolean {
  return octets[0] === 127 && octets[1] === 255 && octets[2] === 255
}

export interface Score {
  readonly score: number
  /** Domains of those with an entry, the heaviest first. */
  readonly zones: readonly string[]
  /** Those of them with a weight above zero. */
  readonly badZones: readonly string[]
}

/** `listed`: the zones with an entry for the client. */
export function scoreOf(listed: readonly DnsZone[]): Score {
  let score = 0
  for (const { weight } of listed) score += weight
  const heaviestFirst = listed.toSorted((one, other) => other.weight - one.weight)
  const bad = heaviestFirst.filter(({ weight }) => weight > 0)
  return { score, zones: domainsOf(heaviestFirst), badZones: domainsOf(bad) }
}

function domainsOf(zones: readonly DnsZone[]): readonly string[] {
  return [...new Set(zones.map(({ domain }) => domain))]
}
