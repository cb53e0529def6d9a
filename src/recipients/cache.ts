// What is remembered in memory: per domain, so that a flood of addresses of one domain cannot push
// out another domain's, and within a domain strangers go before recipients that are known to exist.

import type { RecipientEntry } from './entry.ts'

/** A dictionary attack leaves at most this share of a domain's places to addresses that do not exist. */
const strangerShare = 1 / 4

interface DomainEntries {
  /** Both in order of last use, oldest first (the order of a Map is the order of insertion). */
  readonly wanted: Map<string, RecipientEntry>
  readonly strangers: Map<string, RecipientEntry>
}

export interface RecipientCache {
  /** Counts as a use. */
  readonly find: (domain: string, local: string) => RecipientEntry | undefined
  readonly put: (entry: RecipientEntry) => void
  readonly remove: (domain: string, local: string) => boolean
  readonly removeDomain: (domain: string) => void
  readonly clear: () => void
  readonly count: (domain: string) => number
  /** Grows whenever something was to be dropped, there or not: what was read elsewhere before may be stale. */
  readonly dropCount: () => number
}

export function createRecipientCache(maxEntriesPerDomain: number): RecipientCache {
  const domains = new Map<string, DomainEntries>()
  let dropCount = 0
  return {
    find: (domain, local) => {
      const entries = domains.get(domain)
      if (entries === undefined) return undefined
      return use(entries.wanted, local) ?? use(entries.strangers, local)
    },
    put: (entry) => {
      let entries = domains.get(entry.domain)
      if (entries === undefined) {
        entries = { wanted: new Map(), strangers: new Map() }
        domains.set(entry.domain, entries)
      }
      entries.wanted.delete(entry.local)
      entries.strangers.delete(entry.local)
      const place = isWanted(entry) ? entries.wanted : entries.strangers
      place.set(entry.local, entry)
      evict(entries, maxEntriesPerDomain)
    },
    remove: (domain, local) => {
      dropCount += 1
      const entries = domains.get(domain)
      return (entries?.wanted.delete(local) ?? false) || (entries?.strangers.delete(local) ?? false)
    },
    removeDomain: (domain) => {
      dropCount += 1
      domains.delete(domain)
    },
    clear: () => {
      dropCount += 1
      domains.clear()
    },
    count: (domain) => {
      const entries = domains.get(domain)
      return entries === undefined ? 0 : entries.wanted.size + entries.strangers.size
    },
    dropCount: () => dropCount,
  }
}

/** Known to exist, or vouched for by a person. */
export function isWanted(entry: RecipientEntry): boolean {
  return entry.standing?.kind === 'positive' || entry.pinnedUntilMs > 0 || entry.listedAtMs !== null
}

function use(entries: Map<string, RecipientEntry>, local: string): RecipientEntry | undefined {
  const entry = entries.get(local)
  if (entry === undefined) return undefined
  entries.delete(local)
  entries.set(local, entry)
  return entry
}

function evict(entries: DomainEntries, maxCount: number): void {
  const { wanted, strangers } = entries
  while (wanted.size + strangers.size > maxCount) {
    const isStrangerNext = wanted.size === 0 || strangers.size > maxCount * strangerShare
    const oldest = (isStrangerNext ? strangers : wanted).keys().next()
    if (oldest.done === true) return
    ;(isStrangerNext ? strangers : wanted).delete(oldest.value)
  }
}
