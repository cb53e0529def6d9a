// The spool as people see it: what is in it and why, and their orders. Works beside a running relay, which
// follows what is changed here within a second, and on a stopped one. The contract; open-spool-tools.ts
// opens it.

import type {
  Attempt,
  HoldReason,
  RecipientFate,
  SpoolContent,
  SpoolId,
  SpoolStats,
} from './spool.ts'

/** Which recipients of which entries: all conditions together. Without any: everything. */
export interface Selection {
  readonly ids?: readonly SpoolId[]
  readonly domain?: string
  /** The whole address of a recipient; the domain part in any case. */
  readonly recipient?: string
  /** The whole reverse-path without angle brackets; '' is the null reverse-path. */
  readonly sender?: string
  /** Received before this wall time. */
  readonly receivedBeforeMs?: number
  /** Received at or after this wall time. */
  readonly receivedAfterMs?: number
  readonly fate?: RecipientFate['kind']
}

export interface SpoolRecipient {
  readonly address: string
  readonly domain: string
  readonly fate: RecipientFate
  readonly attemptCount: number
  readonly lastAttemptMs: number | null
  /** The last words of the next hop about this recipient or its mail; not cleaned. */
  readonly reply: string
  /** As Lease.movedTo. */
  readonly movedTo: string | null
}

export interface SpoolEntry {
  readonly id: SpoolId
  readonly reversePath: string
  readonly clientAddress: string
  readonly greetingName: string
  readonly receivedAtMs: number
  /** Of the content in wire form, our trace field included. */
  readonly sizeBytes: number
  /** Those the selection meant. */
  readonly recipients: readonly SpoolRecipient[]
}

/** One entry with all of its recipients, what was tried, and the beginning of its content. */
export interface SpoolEntryDetails extends SpoolEntry {
  /** The oldest first; the spool keeps the first ones and the last ones of a long list. */
  readonly attempts: readonly Attempt[]
  /** The header section in wire form, not cleaned; null when it cannot be read. */
  readonly header: Buffer | null
  /** What people did with it. */
  readonly orders: readonly OrderRecord[]
}

export type Order =
  /** Try now what waits. */
  | { readonly kind: 'flush' }
  /** Keep what waits for a human. */
  | { readonly kind: 'hold' }
  /** Back from the hold: to be tried at once, with a new age. */
  | { readonly kind: 'release' }
  /** Remove, for ever and without a word to the sender. */
  | { readonly kind: 'delete' }
  /** Deliver to this endpoint (as `parseEndpoint` reads it), not by the domain's route; null: undo. */
  | { readonly kind: 'move'; readonly to: string | null }

export interface OrderRecord {
  readonly atMs: number
  /** Who ran the command: login name and user id. */
  readonly by: string
  readonly order: Order['kind']
  /** In words of the person; never empty. */
  readonly reason: string
  readonly id: SpoolId
  /** Recipients concerned. */
  readonly recipients: readonly string[]
  /** For `move`: where to. */
  readonly detail: string
}

export interface OrderResult {
  readonly entryCount: number
  readonly recipientCount: number
}

/** Why a domain's mail is in the spool. */
export interface DomainReasons {
  readonly domain: string
  /** The most recent one that was not successful, of the mails that are still there. */
  readonly lastAttempt: Attempt | null
  /** Held recipients by reason, the most frequent one first. */
  readonly holds: readonly { readonly reason: HoldReason; readonly count: number }[]
}

export interface SpoolTools {
  readonly stats: () => SpoolStats
  /** For each domain of the stats, in the same order, why it is there. */
  readonly reasons: () => readonly DomainReasons[]
  /** By age, the oldest first; reads a page at a time, so a long list costs no memory. */
  readonly entries: (selection: Selection) => Iterable<SpoolEntry>
  readonly entry: (id: SpoolId) => SpoolEntryDetails | undefined
  /** Wire form, to be exported. Null: there is no such entry or it cannot be read. */
  readonly content: (id: SpoolId) => SpoolContent | null
  /**
   * Carries an order out on the selected recipients it fits: `flush` and `hold` on waiting ones,
   * `release` on held ones, `delete` and `move` on both, and `move` to where they are to go already on
   * none. What is flushed, released or moved is due at once. One transaction with its audit records; durable
   * on return, and a running relay follows within a second. `dryRun`: only counts.
   * Throws a SpoolError.
   */
  readonly give: (
    order: Order,
    selection: Selection,
    audit: {
      readonly by: string
      readonly reason: string
      readonly atMs: number
      readonly dryRun: boolean
    },
  ) => OrderResult
  /** Audit records, the newest first; of one entry when `id` is given. The last 200,000 are kept. */
  readonly orders: (limit: number, id?: SpoolId) => readonly OrderRecord[]
  /** The process that has the spool open to deliver, or null. */
  readonly owner: () => SpoolOwner | null
  readonly close: () => void
}

/** Who has a spool open: written beside the lock, for people. */
export interface SpoolOwner {
  readonly pid: number
  readonly host: string
  readonly sinceMs: number
}
