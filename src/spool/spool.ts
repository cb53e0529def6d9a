// Mail the relay has taken responsibility for. The door: what is durable when a promise resolves, what a
// crash leaves behind, whose fault each error is.
//
// The unit is an entry: one mail with its content, stored once, and its recipients. Each recipient has
// a fate of its own: it waits for its next attempt, or it is held for a human. Relayed recipients are
// removed; an entry without recipients is gone. Nothing else ever removes one but a person's order.
//
// Durable means: written and synced (SQLite WAL, synchronous=FULL; large content with fdatasync,
// rename and a sync of its folder before the row), so it survives the kill of the process and the loss
// of power. A crash leaves behind, and `open` or `recover` repairs: content files without a row (of a
// commit that was not answered) are removed; leases end, so a mail whose delivery was answered but not
// yet settled is delivered once more (RFC 1047); a damaged entry is set aside in the hold.
//
// One process owns a spool. Tools of other processes read and give orders through SpoolTools.

/** A mail's name in the spool: its trace id, as in Received and in the log. */
export type SpoolId = string

/** A `nextAttemptMs` before any other: see RecipientFate. */
export const orderedMs = -1

/** Why a recipient is held. */
export type HoldReason =
  /** 5yz to this recipient or to the mail, after it had been accepted. */
  | 'refused'
  /** Too old. */
  | 'expired'
  /** Its domain is not served any more. */
  | 'not-served'
  /** Its content cannot be read, or is not what was stored. */
  | 'damaged'
  /** A person's order. */
  | 'ordered'

export type RecipientFate =
  /**
   * Wall time of the next attempt; 0: as soon as possible; `orderedMs`: a person wants it now, so a server
   * that is known to be down is asked whether it is back.
   */
  | { readonly kind: 'waiting'; readonly nextAttemptMs: number }
  | { readonly kind: 'held'; readonly reason: HoldReason; readonly sinceMs: number }

/** One try to hand an entry's recipients of one domain over. Texts as the peer sent them, not cleaned. */
export interface Attempt {
  readonly atMs: number
  readonly domain: string
  readonly server: string
  /** Address connected to, or null when it did not come to that. */
  readonly address: string | null
  readonly tls: string | null
  readonly outcome: 'relayed' | 'deferred' | 'refused'
  /** The next hop's words, or why there are none; at most 1,000 characters are kept. */
  readonly reply: string
  readonly tookMs: number
}

export interface NewRecipient {
  /** Without angle brackets. */
  readonly address: string
  /** A-label, lower case: the served domain. */
  readonly domain: string
  readonly fate: RecipientFate
  /** What the next hop said of this recipient; '' when it was not asked. */
  readonly reply: string
}

/**
 * Content in wire form as it goes out (trace field in front, dot-stuffed, ending in CR LF . CR LF):
 * `prefix`, then the file from `offset` on. The prefix holds the whole header section.
 */
export interface NewContent {
  readonly prefix: readonly Buffer[]
  /**
   * Null: the prefix is everything. The spool renames it; when it does not take
   * the entry, the file is the caller's to remove.
   */
  readonly file: { readonly path: string; readonly offset: number } | null
  /** Of prefix and file part together. */
  readonly sizeBytes: number
}

export interface NewEntry {
  readonly id: SpoolId
  /** Without angle brackets; '' is the null reverse-path. */
  readonly reversePath: string
  readonly isSmtpUtf8: boolean
  readonly is8BitMime: boolean
  readonly clientAddress: string
  readonly greetingName: string
  readonly receivedAtMs: number
  /** Never empty, each address once. */
  readonly recipients: readonly NewRecipient[]
  /** What was tried while the client waited. */
  readonly attempts: readonly Attempt[]
  readonly content: NewContent
}

export interface LeaseRequest {
  readonly domain: string
  /** Only those a person has moved: the domain's own route takes nothing at the moment. */
  readonly isMovedOnly?: boolean
  readonly nowMs: number
  readonly maxCount: number
}

/**
 * Content of a leased entry. A reader rejects with a SpoolError `damaged` when the bytes are not those that
 * were stored, and with the system's error when they cannot be read now.
 */
export interface SpoolContent {
  readonly sizeBytes: number
  readonly open: () => SpoolContentReader
}

export interface SpoolContentReader {
  /** The next pieces, or null at the end. The last one is given only when all of them were right. */
  readonly next: () => readonly Buffer[] | null | Promise<readonly Buffer[] | null>
  readonly close: () => void
}

/** An entry's due recipients of one domain, given to one deliverer until it settles. */
export interface Lease {
  readonly id: SpoolId
  readonly domain: string
  /** Where a person moved them: an endpoint as `parseEndpoint` reads it; null: the domain's route. */
  readonly movedTo: string | null
  readonly reversePath: string
  readonly isSmtpUtf8: boolean
  readonly is8BitMime: boolean
  /** Of the session that brought it. */
  readonly clientAddress: string
  readonly greetingName: string
  readonly receivedAtMs: number
  readonly recipients: readonly LeasedRecipient[]
  /** Null: it cannot be read; settle as held, damaged. */
  readonly content: SpoolContent | null
}

export interface LeasedRecipient {
  readonly address: string
  /** Attempts before this one; the one while the client waited counts. */
  readonly attemptCount: number
  /** Its time to live counts from here: received, or released from the hold. */
  readonly ageFromMs: number
}

export interface SettledRecipient {
  readonly address: string
  /** `relayed`: the next hop has it. */
  readonly fate: RecipientFate | { readonly kind: 'relayed' }
  /** Null: nothing new was said. */
  readonly reply: string | null
}

export interface Settlement {
  /** Each recipient of the lease exactly once. */
  readonly recipients: readonly SettledRecipient[]
  readonly attempts: readonly Attempt[]
}

export type HoldSelection =
  | { readonly kind: 'domain'; readonly domain: string }
  | { readonly kind: 'older'; readonly ageFromBeforeMs: number }

export interface HeldRecipient {
  readonly id: SpoolId
  readonly address: string
  readonly domain: string
  /** The last words of the next hop about it. */
  readonly reply: string
}

export interface DueDomain {
  readonly domain: string
  readonly nextAttemptMs: number
}

/** What waits for one domain. */
export interface DomainStats {
  readonly domain: string
  readonly waitingCount: number
  readonly heldCount: number
  /** Of entries with a recipient of this domain. */
  readonly sizeBytes: number
  /** When the oldest waiting one was received, or released from the hold; null: nothing waits. */
  readonly oldestWaitingMs: number | null
  readonly oldestHeldMs: number | null
  /** Earliest next attempt of those waiting. */
  readonly nextAttemptMs: number | null
}

export interface SpoolStats {
  readonly entryCount: number
  readonly sizeBytes: number
  /** Recipients, of all domains. */
  readonly waitingCount: number
  readonly heldCount: number
  readonly domains: readonly DomainStats[]
}

export type SpoolState =
  | { readonly kind: 'open' }
  /** Nothing is taken. `detail`: what failed, for the operator. */
  | { readonly kind: 'stopped'; readonly sinceMs: number; readonly detail: string }

export interface RecoveryReport {
  readonly entryCount: number
  /** Content files without an entry, removed. */
  readonly orphanCount: number
}

export interface Spool {
  /**
   * Takes an entry. When it resolves, the entry is durable. Rejects with a SpoolError, after which the
   * entry is not in the spool and never will be, unless `isUnclear` says otherwise.
   */
  readonly commit: (entry: NewEntry) => Promise<void>
  /**
   * Gives due recipients of a domain, those with the earliest next attempt first, then the oldest mail
   * first. Nobody else gets them until they are settled. A lease is not durable: it ends with the process.
   */
  readonly lease: (request: LeaseRequest) => Promise<readonly Lease[]>
  /**
   * Ends a lease. When it resolves, the fates are durable; false: a person has deleted the entry. A recipient that a person held, moved or
   * deleted meanwhile stays so, unless it was relayed. Rejects with a SpoolError; the lease then goes on,
   * to be settled again when the spool is open: to give it up would deliver the mail twice.
   */
  readonly settle: (lease: Lease, settlement: Settlement) => Promise<boolean>
  /** Makes what waits for a domain due now, the oldest first. Durable when it resolves. Gives how many. */
  readonly hurry: (domain: string) => Promise<number>
  /**
   * Holds what waits and is not leased: of one domain (but what was moved), or all whose time to live began before. Durable when
   * it resolves. Gives what it held, at most 1,000 recipients: call it again while it gives that many.
   */
  readonly hold: (which: HoldSelection, reason: HoldReason) => Promise<readonly HeldRecipient[]>
  /** Domains with waiting recipients, with the earliest next attempt of each. Cheap: one seek a domain. */
  readonly due: () => Promise<readonly DueDomain[]>
  readonly stats: () => Promise<SpoolStats>
  /** Whether a mail of that size may be begun: space and inodes stay above the reserve. No I/O. */
  readonly hasRoomFor: (sizeBytes: number) => boolean
  readonly state: () => SpoolState
  /**
   * Opens a stopped spool again from what is on disk: nothing in memory is trusted. Does nothing while
   * it is open. Rejects with a SpoolError while that is not possible.
   */
  readonly recover: () => Promise<RecoveryReport>
  /** Finishes what was begun, then gives the spool up. */
  readonly close: () => Promise<void>
}

export class SpoolError extends Error {
  /**
   * `stopped`: it had been stopped before; `full`: the disk or our reserve; `io`: the disk failed;
   * `damaged`: the database is not readable; `invalid`: a fault of the caller; `internal`: ours.
   */
  readonly kind: 'stopped' | 'full' | 'io' | 'damaged' | 'invalid' | 'internal'
  /**
   * True: whether the entry is durable is not known, so the client must hear neither yes nor no
   * (RFC 1047: it will send the mail again).
   */
  readonly isUnclear: boolean
  constructor(kind: SpoolError['kind'], message: string, isUnclear: boolean = false) {
    super(message)
    this.name = 'SpoolError'
    this.kind = kind
    this.isUnclear = isUnclear
  }
}

export type SpoolEvent =
  | {
      readonly kind: 'spool-opened'
      readonly folder: string
      readonly report: RecoveryReport
      readonly tookMs: number
    }
  | { readonly kind: 'spool-stopped'; readonly detail: string }
  /** Below the reserve: new mail is deferred. */
  | { readonly kind: 'spool-short'; readonly freeBytes: number; readonly freeInodeCount: number }
  | { readonly kind: 'spool-roomy'; readonly freeBytes: number; readonly freeInodeCount: number }
  /** An entry cannot be read; it is in the hold. */
  | { readonly kind: 'spool-entry-damaged'; readonly id: SpoolId; readonly detail: string }
  /** The database was not readable as a whole: what could be read is in a new one. */
  | {
      readonly kind: 'spool-salvaged'
      readonly keptCount: number
      readonly lostCount: number
      /** The old file, kept for a human. */
      readonly file: string
    }
