// What the server side of a dialog may assume. Each phase carries exactly the data that exists in it.

import type { MailParameters } from '#smtp/command.ts'
import type { ForwardPath, ReversePath } from '#smtp/path.ts'
import type { Reply } from '#smtp/reply.ts'

export interface Greeting {
  /** What the client called itself: a claim. Printable, at most 255 characters. */
  readonly name: string
  /** EHLO rather than HELO. */
  readonly isExtended: boolean
}

/** What lives as long as the session, whatever its phase. */
export interface Standing {
  readonly isEncrypted: boolean
  /** Replies of class 5 and other mistakes of the client since the last mail that was accepted. */
  readonly errorCount: number
  /** Commands and broken lines since then. */
  readonly commandCount: number
  /** Of these, the ones that bring no mail nearer: NOOP, RSET, a second EHLO and the like. */
  readonly idleCommandCount: number
  /** Mails begun (MAIL accepted). */
  readonly mailCount: number
  /** Recipients the institutes refused as unknown. */
  readonly unknownRecipientCount: number
}

export interface Transaction {
  readonly reversePath: ReversePath
  readonly parameters: MailParameters
}

/** One BDAT (RFC 3030 §2). */
export interface Chunk {
  readonly isLast: boolean
  /** Octets announced in this transaction, this chunk included. */
  readonly totalBytes: number
}

/** Invariant: `recipients` is never empty in the phases `rcpt`, `content`, `chunks` and `final`. */
export type SessionState =
  | { readonly phase: 'connected'; readonly standing: Standing }
  | { readonly phase: 'greeted'; readonly standing: Standing; readonly greeting: Greeting }
  /** MAIL was sent and is being judged; nothing else may be fed but that judgement or the end. */
  | {
      readonly phase: 'judging-sender'
      readonly standing: Standing
      readonly greeting: Greeting
      readonly transaction: Transaction
    }
  | {
      readonly phase: 'mail'
      readonly standing: Standing
      readonly greeting: Greeting
      readonly transaction: Transaction
    }
  | {
      readonly phase: 'judging-recipient'
      readonly standing: Standing
      readonly greeting: Greeting
      readonly transaction: Transaction
      readonly recipients: readonly ForwardPath[]
      readonly candidate: ForwardPath
    }
  | {
      readonly phase: 'rcpt'
      readonly standing: Standing
      readonly greeting: Greeting
      readonly transaction: Transaction
      readonly recipients: readonly [ForwardPath, ...ForwardPath[]]
    }
  /** 354 or BDAT: what arrives is content, not commands. */
  | {
      readonly phase: 'content'
      readonly standing: Standing
      readonly greeting: Greeting
      readonly transaction: Transaction
      readonly recipients: readonly [ForwardPath, ...ForwardPath[]]
      /** Null: DATA, which has no chunks. */
      readonly chunk: Chunk | null
    }
  /** A chunk has come and was not the last one. */
  | {
      readonly phase: 'chunks'
      readonly standing: Standing
      readonly greeting: Greeting
      readonly transaction: Transaction
      readonly recipients: readonly [ForwardPath, ...ForwardPath[]]
      readonly totalBytes: number
      /** The mail has been refused: what is left of it is read and dropped, up to its last chunk or RSET. */
      readonly isRefused: boolean
    }
  /** Octets of a chunk that nobody wants are read, then `reply` is said and `next` is the state. */
  | {
      readonly phase: 'skipping'
      readonly standing: Standing
      readonly reply: Reply
      readonly next: SessionState
    }
  /** The content is complete, or refused before it is, and waits for its final verdict. */
  | {
      readonly phase: 'final'
      readonly standing: Standing
      readonly greeting: Greeting
      readonly transaction: Transaction
      readonly recipients: readonly [ForwardPath, ...ForwardPath[]]
      readonly chunk: Chunk | null
    }
  /** 220 was sent to STARTTLS: nothing but the handshake may follow. */
  | { readonly phase: 'handshake'; readonly standing: Standing }
  | { readonly phase: 'closed'; readonly standing: Standing }

export const newStanding: Standing = Object.freeze({
  isEncrypted: false,
  errorCount: 0,
  commandCount: 0,
  idleCommandCount: 0,
  mailCount: 0,
  unknownRecipientCount: 0,
})

export const initialState: SessionState = Object.freeze({
  phase: 'connected',
  standing: newStanding,
})
