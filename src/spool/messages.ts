// What the spool's own thread is asked, and what it answers. Plain data only: it crosses a thread.

import type {
  DueDomain,
  HeldRecipient,
  HoldReason,
  HoldSelection,
  LeaseRequest,
  LeasedRecipient,
  NewEntry,
  Settlement,
  SpoolError,
  SpoolId,
  SpoolStats,
} from './spool.ts'

/** A NewEntry whose large content is in place and whose prefix is one piece of memory of its own. */
export interface EntryRow extends Omit<NewEntry, 'content'> {
  readonly content: {
    readonly prefix: Uint8Array<ArrayBuffer>
    /** Null: no file. */
    readonly fileOffset: number | null
    readonly sizeBytes: number
    readonly crc: number
  }
}

/** A Lease whose content is told, not opened. */
export interface LeaseRow {
  readonly id: SpoolId
  readonly domain: string
  readonly movedTo: string | null
  readonly reversePath: string
  readonly isSmtpUtf8: boolean
  readonly is8BitMime: boolean
  readonly clientAddress: string
  readonly greetingName: string
  readonly receivedAtMs: number
  readonly recipients: readonly LeasedRecipient[]
  readonly content: EntryRow['content']
}

/** Changes; those that arrive together share one transaction. */
export type SpoolWrite =
  | { readonly kind: 'commit'; readonly entry: EntryRow }
  | {
      readonly kind: 'settle'
      readonly id: SpoolId
      readonly domain: string
      readonly movedTo: string | null
      readonly settlement: Settlement
    }
  | { readonly kind: 'hurry'; readonly domain: string }
  | {
      readonly kind: 'hold'
      readonly which: HoldSelection
      readonly reason: HoldReason
      readonly nowMs: number
    }

export type SpoolRead =
  | { readonly kind: 'lease'; readonly request: LeaseRequest }
  | { readonly kind: 'due' }
  | { readonly kind: 'stats' }
  /** Ids of the entries with a content file. */
  | { readonly kind: 'filed' }

export type SpoolControl =
  | { readonly kind: 'recover' }
  /** Something outside the database failed: nothing more is written. */
  | { readonly kind: 'stop'; readonly detail: string }
  | { readonly kind: 'close' }

export type SpoolCall = SpoolWrite | SpoolRead | SpoolControl

/** The answer to each kind of call. */
export interface SpoolAnswers {
  readonly commit: null
  /** An entry that is gone now: its content file can go too. */
  readonly settle: {
    readonly wasThere: boolean
    readonly isGone: boolean
    readonly hasFile: boolean
  }
  readonly hurry: number
  readonly hold: readonly HeldRecipient[]
  readonly lease: readonly LeaseRow[]
  readonly due: readonly DueDomain[]
  readonly stats: SpoolStats
  readonly filed: readonly SpoolId[]
  readonly recover: { readonly entryCount: number; readonly salvage: Salvage | null }
  readonly stop: null
  readonly close: null
}

export interface Salvage {
  readonly keptCount: number
  readonly lostCount: number
  readonly file: string
}

/** Errors lose their class on the way. */
export interface SpoolFailure {
  readonly kind: SpoolError['kind']
  readonly message: string
  readonly isUnclear: boolean
}

export interface NumberedCall {
  readonly number: number
  readonly call: SpoolCall
}

export type NumberedAnswer =
  | { readonly number: number; readonly ok: true; readonly value: SpoolAnswers[SpoolCall['kind']] }
  | { readonly number: number; readonly ok: false; readonly failure: SpoolFailure }

/** `stoppedBy`: why the spool has stopped, told once with the answers of that moment. */
export interface AnswerGroup {
  readonly answers: readonly NumberedAnswer[]
  readonly stoppedBy: string | null
}
