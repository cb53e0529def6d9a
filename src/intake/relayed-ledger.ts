// Remembers for a while which next hops already have a mail whose client did not get that answer, so
// that its retry is not delivered there a second time (RFC 1047).

import { createHash } from 'node:crypto'
import type { StoredContent } from '#handover/handover.ts'

/** What tells a mail from another before its content is looked at. */
export interface MailIdentity {
  readonly clientAddress: string
  /** Without angle brackets. */
  readonly reversePath: string
  /** Without angle brackets, in the order given. */
  readonly recipients: readonly string[]
  /** Wire bytes of the content. */
  readonly sizeBytes: number
}

interface Entry {
  readonly contentHash: string
  /** Addresses of recipients that have the mail. */
  readonly relayed: ReadonlySet<string>
  readonly untilMs: number
}

/** Senders retry within minutes, the slow ones within an hour or two. */
const keepMs = 4 * 3_600_000
/** Entries are rare; a client that makes them on purpose only forgets its own and others' oldest. */
const maxEntryCount = 10_000

export class RelayedLedger {
  readonly #now: () => number
  readonly #entries = new Map<string, Entry>()

  constructor(now: () => number) {
    this.#now = now
  }

  /** Reads the whole content once. Rejects when it cannot be read. */
  async remember(
    identity: MailIdentity,
    content: StoredContent,
    relayed: Iterable<string>,
  ): Promise<void> {
    const contentHash = await hashOf(content)
    const key = keyOf(identity)
    this.#entries.delete(key)
    this.#entries.set(key, {
      contentHash,
      relayed: new Set(relayed),
      untilMs: this.#now() + keepMs,
    })
    const [oldest] = this.#entries.keys()
    if (this.#entries.size > maxEntryCount && oldest !== undefined) this.#entries.delete(oldest)
  }

  /** Recipients that already have this very mail. Reads the content only when the envelope is known. */
  async relayedRecipients(
    identity: MailIdentity,
    content: StoredContent,
  ): Promise<ReadonlySet<string>> {
    const key = keyOf(identity)
    const entry = this.#entries.get(key)
    if (entry === undefined) return nobody
    if (entry.untilMs < this.#now()) {
      this.#entries.delete(key)
      return nobody
    }
    return (await hashOf(content)) === entry.contentHash ? entry.relayed : nobody
  }

  /** The client has heard how its mail ended: from now on the same mail is another one. */
  forget(identity: MailIdentity): void {
    if (!this.isEmpty) this.#entries.delete(keyOf(identity))
  }

  /** True when nothing is remembered, the usual case: then no mail needs to be compared. */
  get isEmpty(): boolean {
    return this.#entries.size === 0
  }
}

const nobody: ReadonlySet<string> = new Set()

function keyOf(identity: MailIdentity): string {
  const { clientAddress, reversePath, recipients, sizeBytes } = identity
  return [clientAddress, sizeBytes, reversePath, ...recipients].join('\n')
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
