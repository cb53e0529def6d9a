// What is remembered of one recipient.

import type { PeerReply } from '#smtp/reply.ts'
import type { NextHopFacts } from '#nexthop/nexthop.ts'

/** The next hop's last decisive answer. Unknown outcomes never replace it. */
export type Standing =
  | { readonly kind: 'positive'; readonly atMs: number; readonly routeId: string }
  | {
      readonly kind: 'negative'
      readonly atMs: number
      readonly routeId: string
      /** Who said so and in which words, for the reply to the client. */
      readonly server: string
      readonly reply: PeerReply
    }

/** The last answer of any kind, for showing. */
export interface LastAnswer {
  readonly outcome: 'deliverable' | 'undeliverable' | 'unknown'
  readonly source: 'probe' | 'delivery'
  /** One cleaned line. */
  readonly reply: string
  readonly stage: string
  readonly nextHop: NextHopFacts
  readonly atMs: number
  readonly tookMs: number
}

export interface RecipientEntry {
  /** A-label, lower case. */
  readonly domain: string
  /** As written, without the tag where the domain strips it. */
  readonly local: string
  readonly standing: Standing | null
  /**
   * When a background refresh first heard "no such mailbox" of a positive or listed recipient that
   * still stands; null when it did not, or a 250 came since.
   */
  readonly refusedAtMs: number | null
  readonly last: LastAnswer | null
  /** 0: not pinned. */
  readonly pinnedUntilMs: number
  /** When the recipient list it is on was imported; null: it is on none. */
  readonly listedAtMs: number | null
}

export function emptyEntry(domain: string, local: string): RecipientEntry {
  return {
    domain,
    local,
    standing: null,
    refusedAtMs: null,
    last: null,
    pinnedUntilMs: 0,
    listedAtMs: null,
  }
}

/**
 * What two processes know of one recipient. The younger decisive answer stands, whoever writes first: an
 * unknown outcome of one must not wipe out what the other has heard. Pins and lists are those of `stored`.
 */
export function mergeEntries(own: RecipientEntry, stored: RecipientEntry): RecipientEntry {
  const isOwnYounger = (own.last?.atMs ?? 0) > (stored.last?.atMs ?? 0)
  const younger = isOwnYounger ? own : stored
  const ownAtMs = own.standing?.atMs ?? -Infinity
  const storedAtMs = stored.standing?.atMs ?? -Infinity
  const standing = ownAtMs === storedAtMs ? younger : ownAtMs > storedAtMs ? own : stored
  const { pinnedUntilMs, listedAtMs } = stored
  return {
    ...younger,
    standing: standing.standing,
    refusedAtMs: standing.refusedAtMs,
    pinnedUntilMs,
    listedAtMs,
  }
}

/** On the list, and the next hop has not said "no such mailbox" since it was imported. */
export function isListed(entry: RecipientEntry): boolean {
  if (entry.listedAtMs === null) return false
  return entry.standing?.kind !== 'negative' || entry.standing.atMs < entry.listedAtMs
}
