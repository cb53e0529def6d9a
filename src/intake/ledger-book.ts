// What the ledger remembers, by key and fingerprint. In memory: the one of a single process, and the one
// that several workers share through their coordinator.

/** A fingerprint of the content, or null when it could not be read. */
export type Fingerprint = string | null

export interface LedgerBook {
  /** True when nothing is remembered, the usual case. No I/O; may lag by a moment. */
  readonly isEmpty: () => boolean
  /** Whether anything is remembered under that key, before the content is looked at. */
  readonly hasAlike: (key: string) => Promise<boolean>
  /**
   * A client has left before it heard. `served` may still be under way: those who ask meanwhile wait for
   * it. Resolves when the fingerprint is known; never rejects.
   */
  readonly expect: (
    key: string,
    fingerprint: Promise<Fingerprint>,
    served: Promise<readonly string[]>,
  ) => Promise<void>
  /** Addresses that need the mail of that fingerprint no more. Never rejects: nobody, when in doubt. */
  readonly served: (key: string, fingerprint: string) => Promise<readonly string[]>
  readonly forget: (key: string, fingerprint: string) => Promise<void>
}

interface Entry {
  readonly fingerprint: Promise<Fingerprint>
  readonly served: Promise<readonly string[]>
  readonly untilMs: number
}

/** Senders retry within minutes, the slow ones within an hour or two. */
const keepMs = 4 * 3_600_000
/** Entries are rare; a client that makes them on purpose only forgets its own and others' oldest. */
const maxEntryCount = 10_000

export class MemoryLedgerBook implements LedgerBook {
  readonly #now: () => number
  /** Mails that look alike from outside share a key; the oldest key is the first. */
  readonly #entries = new Map<string, readonly Entry[]>()
  #entryCount = 0

  constructor(now: () => number) {
    this.#now = now
  }

  isEmpty(): boolean {
    // The keys that were entered first are forgotten first, also when nobody asks for them again.
    for (const key of this.#entries.keys()) if (this.#fresh(key).length > 0) return false
    return true
  }

  async hasAlike(key: string): Promise<boolean> {
    return this.#fresh(key).length > 0
  }

  async expect(
    key: string,
    fingerprint: Promise<Fingerprint>,
    served: Promise<readonly string[]>,
  ): Promise<void> {
    const entry: Entry = {
      fingerprint: fingerprint.catch(() => null),
      served: served.catch(() => []),
      untilMs: this.#now() + keepMs,
    }
    this.#replace(key, [...(this.#entries.get(key) ?? []), entry])
    const [oldest] = this.#entries.keys()
    if (this.#entryCount > maxEntryCount && oldest !== undefined) this.#replace(oldest, [])
    await entry.fingerprint
  }

  async served(key: string, fingerprint: string): Promise<readonly string[]> {
    const served = new Set<string>()
    for (const entry of this.#fresh(key)) {
      if ((await entry.fingerprint) !== fingerprint) continue
      for (const address of await entry.served) served.add(address)
    }
    return [...served]
  }

  async forget(key: string, fingerprint: string): Promise<void> {
    const left: Entry[] = []
    for (const entry of this.#fresh(key)) {
      if ((await entry.fingerprint) !== fingerprint) left.push(entry)
    }
    this.#replace(key, left)
  }

  #fresh(key: string): readonly Entry[] {
    const known = this.#entries.get(key) ?? []
    const fresh = known.filter(({ untilMs }) => untilMs >= this.#now())
    if (fresh.length < known.length) this.#replace(key, fresh)
    return fresh
  }

  #replace(key: string, entries: readonly Entry[]): void {
    this.#entryCount += entries.length - (this.#entries.get(key)?.length ?? 0)
    this.#entries.delete(key)
    if (entries.length > 0) this.#entries.set(key, entries)
  }
}
