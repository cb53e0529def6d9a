// Recipient verification: does the institute's server take mail for this recipient? The door.

import type { Mailbox } from '#smtp/path.ts'
import type { PeerReply } from '#smtp/reply.ts'
import type { NextHopFacts, NoAnswer } from '#nexthop/nexthop.ts'
import type { ServedDomain } from '#registry/registry.ts'
import type { Verdict } from '#verdict/verdict.ts'

/** Three answers, and the middle one is hard to get: only the next hop's own 5yz to that RCPT says it. */
export type CalloutOutcome =
  | { readonly kind: 'deliverable'; readonly reply: PeerReply }
  | { readonly kind: 'undeliverable'; readonly reply: PeerReply }
  | { readonly kind: 'unknown'; readonly cause: UnknownCause }

export type UnknownCause =
  /** Stage, cause and words of a question without an answer. */
  | { readonly kind: 'no-answer'; readonly noAnswer: NoAnswer }
  /** 4yz to RCPT. */
  | { readonly kind: 'deferred'; readonly reply: PeerReply }
  /** 5yz to RCPT of a class that says nothing about the mailbox. */
  | { readonly kind: 'refused-policy'; readonly reply: PeerReply }
  | { readonly kind: 'mailbox-full'; readonly reply: PeerReply }
  | { readonly kind: 'too-big'; readonly reply: PeerReply }
  /** 252: the server does not say (RFC 5321 §3.5.3), or any other 2yz that is not 250 or 251. */
  | { readonly kind: 'unverified'; readonly reply: PeerReply }

export interface RecipientQuery {
  readonly domain: ServedDomain
  readonly mailbox: Mailbox
  readonly isSmtpUtf8: boolean
  /** SIZE of MAIL in bytes, or null when the client declared none. */
  readonly sizeBytes: number | null
}

/** Where an answer came from. */
export type AnswerSource = 'cache' | 'live' | 'pin' | 'list'

export interface RecipientAnswer {
  readonly verdict: Verdict
  readonly source: AnswerSource
  /**
   * Deliverable by an answer of the next hop that is young enough to trust in an outage, by pin or by
   * list. Only for such recipients may the spool take over.
   */
  readonly isKnownGood: boolean
  /** Milliseconds the question took; 0 from the cache. */
  readonly tookMs: number
}

/** What is remembered of one recipient, for showing. */
export interface RecipientRecord {
  readonly address: string
  readonly outcome: 'deliverable' | 'undeliverable' | 'unknown'
  readonly source: 'probe' | 'delivery' | 'pin' | 'list'
  /** The next hop's words, cleaned; '' for pin and list. */
  readonly reply: string
  readonly nextHop: NextHopFacts | null
  readonly stage: string
  readonly checkedAtMs: number
  readonly tookMs: number
  /** Until when a pin stands; null: no pin. */
  readonly validUntilMs: number | null
  /** The last decisive answer that still counts, whatever a later question without one said. */
  readonly standing: {
    readonly outcome: 'deliverable' | 'undeliverable'
    readonly sinceMs: number
  } | null
}

export interface Recipients {
  /**
   * Decides on one recipient by the table of docs/flow.md. Returns a value at once when the cache decides
   * (no promise, no I/O), else a promise that settles within the budget of one RCPT. Never rejects.
   */
  readonly verify: (query: RecipientQuery) => RecipientAnswer | Promise<RecipientAnswer>
  /**
   * Takes the answer to RCPT in a real delivery: a 2yz makes or renews a positive entry, a "no such
   * mailbox" demotes at once. Anything else changes nothing. Returns what that answer means for the
   * client: the same classes as for a question.
   */
  readonly learn: (
    domain: ServedDomain,
    mailbox: Mailbox,
    reply: PeerReply,
    nextHop: NextHopFacts,
  ) => Verdict
  /** Asks now, whatever is remembered, and remembers the answer. */
  readonly ask: (query: RecipientQuery) => Promise<{
    readonly outcome: CalloutOutcome
    readonly record: RecipientRecord
    readonly answer: RecipientAnswer
  }>
  readonly show: (mailbox: Mailbox) => RecipientRecord | undefined
  /**
   * True if something was remembered. Drops answers and pin; the recipient list stays as imported.
   * The next three are orders of a person: durable on return, other processes notice within a second
   * or two. They take the subject of a question (subject.ts: without the tag where the domain strips
   * it). They throw RecipientStoreError when the store cannot be written; memory has changed then.
   */
  readonly forget: (mailbox: Mailbox) => boolean
  /** Accepts the recipient until then, whatever the target says. */
  readonly pin: (mailbox: Mailbox, untilMs: number) => void
  /** Replaces the recipient list of the domain; the number of different recipients on it. */
  readonly replaceList: (domain: ServedDomain, mailboxes: readonly Mailbox[]) => number
  /** Writes what is not yet written, stops timers, closes the store. */
  readonly close: () => Promise<void>
}

export type RecipientEvent =
  | {
      readonly kind: 'recipient-asked'
      readonly recipient: string
      readonly outcome: CalloutOutcome
      readonly nextHop: NextHopFacts
      readonly tookMs: number
      readonly purpose: 'rcpt' | 'refresh' | 'command' | 'catch-all'
    }
  /** A positive was taken back. `by`: a delivery, or the second background refusal. */
  | {
      readonly kind: 'recipient-demoted'
      readonly recipient: string
      readonly by: 'delivery' | 'refresh'
      readonly reply: PeerReply
    }
  | { readonly kind: 'catch-all-found'; readonly domain: string; readonly recipient: string }
  /** Verification goes on in memory. At most once a minute. */
  | { readonly kind: 'recipient-store-failed'; readonly error: string }

/**
 * A bug of ours; the client got 451. The very event intake has for its own: `error` names the
 * recipient and has the fault as its cause.
 */
export interface RecipientFault {
  readonly kind: 'internal-error'
  readonly session: null
  readonly error: unknown
}
