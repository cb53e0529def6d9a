// Remembers for a while which recipients need a mail no more whose client did not get that answer, so that
// its retry is not delivered there a second time (RFC 1047).

import { createHash } from 'node:crypto'
import type { StoredContent } from '#handover/handover.ts'
import type { LedgerBook } from './ledger-book.ts'

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

export class RelayedLedger {
  readonly #book: LedgerBook

  constructor(book: LedgerBook) {
    this.#book = book
  }

  /**
   * `served` may still be under way: a retry that comes meanwhile waits for it. Reads the whole content
   * once; resolves when it is not needed any more. Never rejects.
   */
  async remember(
    identity: MailIdentity,
    content: StoredContent,
    served: Promise<readonly string[]>,
  ): Promise<void> {
    await this.#book.expect(keyOf(identity), fingerprintOf(content).catch(unreadable), served)
  }

  /** Recipients that need this very mail no more. Reads the content only when its like is known. */
  async servedRecipients(
    identity: MailIdentity,
    content: StoredContent,
  ): Promise<ReadonlySet<string>> {
    const key = keyOf(identity)
    if (!(await this.#book.hasAlike(key))) return nobody
    return new Set(await this.#book.served(key, await fingerprintOf(content)))
  }

  /** The client has heard how this very mail ended: from now on the same bytes are another mail. */
  async forget(identity: MailIdentity, content: StoredContent): Promise<void> {
    await this.#book.forget(keyOf(identity), await fingerprintOf(content))
  }

  /** True when nothing is remembered, the usual case: then no mail needs to be compared. */
  get isEmpty(): boolean {
    return this.#book.isEmpty()
  }
}

function unreadable(): null {
  return null
}

const nobody: ReadonlySet<string> = new Set()

function keyOf({ clientAddress, reversePath, sizeBytes }: MailIdentity): string {
  return `${clientAddress} ${sizeBytes} ${reversePath}`
}

async function fingerprintOf(content: StoredContent): Promise<string> {
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
