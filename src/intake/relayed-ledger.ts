// Remembers for a while which recipients need a mail no more whose client did not get that answer, so that
// its retry is not delivered there a second time (RFC 1047).

import { createHash } from 'node:crypto'
import type { StoredContent } from '#handover/handover.ts'

/**
 * What tells a mail from another before its content is looked at. Recipients do not: the retry may come
 * with fewer of them, when some were refused meanwhile.
 */
export interface MailIdentity {
  readonly clientAddress: string
  /** Without angle brackets. */
  readonly reversePath: string
  /** Wire bytes of the content. */
  readonly sizeBytes: number
}

interface Entry {
  /** Null: the content could not be read. */
  readonly contentHash: Promise<string | null>
  /** Addresses of recipients that need it no more; a promise while the hand-over still runs. */
  readonly served: Promise<ReadonlySet<string>>
  readonly untilMs: number
}

/** Senders retry within minutes, the slow ones within an hour or two. */
const keepMs = 4 * 3_600_000
/** Entries are rare; a client that makes them on purpose only forgets its own and others' oldest. */
const maxEntryCount = 10_000

export class RelayedLedger {
  readonly #now: () => number
  /** Mails that look alike from outside share a key; the oldest key is the first. */
  readonly #entries = new Map<string, readonly Entry[]>()
  #entryCount = 0

  constructor(now: () => number) {
    this.#now = now
  }

  /**
   * `served` may still be under way: a retry that comes meanwhile waits for it. Reads the whole content
   * once; resolves when it is not needed any more. Never rejects.
   */
  async remember(
    identity: MailIdentity,
    content: StoredContent,
    served: Promise<Iterable<string>>,
  ): Promise<void> {
    const entry: Entry = {
      contentHash: hashOf(content).catch(() => null),
      served: served.then(
        (addresses) => new Set(addresses),
        () => nobody,
      ),
      untilMs: this.#now() + keepMs,
    }
    const key = keyOf(identity)
    this.#replace(key, [...(this.#entries.get(key) ?? []), entry])
    const [oldest] = this.#entries.keys()
    if (this.#entryCount > maxEntryCount && oldest !== undefined) this.#replace(oldest, [])
    await entry.contentHash
  }

  /** Recipients that need this very mail no more. Reads the content only when its like is known. */
  async servedRecipients(
    identity: MailIdentity,
    content: StoredContent,
  ): Promise<ReadonlySet<string>> {
    const alike = this.#fresh(keyOf(identity))
    if (alike.length === 0) return nobody
    const contentHash = await hashOf(content)
    const served = new Set<string>()
    for (const entry of alike) {
      if ((await entry.contentHash) !== contentHash) continue
      for (const address of await entry.served) served.add(address)
    }
    return served
  }

  /** The client has heard how this very mail ended: from now on the same bytes are another mail. */
  async forget(identity: MailIdentity, content: StoredContent): Promise<void> {
    const key = keyOf(identity)
    const contentHash = await hashOf(content)
    const left: Entry[] = []
    for (const entry of this.#fresh(key)) {
      if ((await entry.contentHash) !== contentHash) left.push(entry)
    }
    this.#replace(key, left)
  }

  /** True when nothing is remembered, the usual case: then no mail needs to be compared. */
  get isEmpty(): boolean {
    return this.#entries.size === 0
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

const nobody: ReadonlySet<string> = new Set()

function keyOf({ clientAddress, reversePath, sizeBytes }: MailIdentity): string {
  return `${clientAddress} ${sizeBytes} ${reversePath}`
}

async function hashOf(content: StoredContent): Promise<string> {
  const hash = createHash('sha256')
  const reader = content.openFrom(0)
  try {
    for (;;) {
      const pieces = await reader.next()
      if (pieces === null) return hash.digest('base64')
      for (const piece of pieces) hash.update(piece)
    }
  } finally {
    reader.close()
  }
}
