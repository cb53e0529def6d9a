// What happened in a session with a client, told as values. Telemetry turns them into lines and numbers.

import type { AnswerSource } from '#recipients/recipients.ts'
import type { MailRule } from '#policy/policy.ts'
import type { Verdict } from '#verdict/verdict.ts'

/** One end of a TCP connection. `address` is an IPv4 or IPv6 literal without brackets. */
export interface SocketAddress {
  readonly address: string
  readonly port: number
}

/** What a process has too little of: time, file descriptors, memory. */
export type Shortage = 'loop-late' | 'descriptors-short' | 'memory-short'

/** With a 421. */
export type SentAwayReason = 'too-many-sessions' | 'draining' | Shortage

export type RefusalReason =
  | SentAwayReason
  /** On a port for proxies: the peer is none of them. */
  | 'no-proxy'
  /** A proxy's header is malformed, or did not come in time. */
  | 'proxy-header'

export type SessionCloseReason =
  | 'quit'
  /** The client closed or reset the connection without QUIT. */
  | 'client-gone'
  /** Of a command, of content, or of the whole session. */
  | 'timeout'
  | 'too-many-errors'
  | 'too-many-commands'
  | 'too-many-unknown-recipients'
  | 'too-many-mails'
  /** Bytes behind STARTTLS, an endless line, or anything else that ends the trust in what follows. */
  | 'protocol-violation'
  | 'draining'
  | 'internal-error'
  | 'tls-failed'
  /** Whether a mail is durable was not known, so the client got no reply to it. */
  | 'unclear'

/** One attempt to hand a mail over to one server. `reply` is its answer or why there is none; not cleaned. */
export interface TransferSummary {
  readonly server: string
  readonly address: string | null
  readonly tls: string | null
  readonly outcome: 'relayed' | 'deferred' | 'refused'
  readonly reply: string
  readonly tookMs: number
}

/**
 * `session` and `mail` are trace ids. Paths are without angle brackets, '' is the null reverse-path.
 * `reply` is the reply the client got, one line with its code. No text is cleaned: that is done where
 * it is shown.
 */
export type IntakeEvent =
  | {
      readonly kind: 'session-opened'
      readonly session: string
      readonly client: SocketAddress
      readonly listener: SocketAddress
    }
  | {
      readonly kind: 'session-refused'
      /** Of a `no-proxy` and a `proxy-header`: who connected. */
      readonly client: SocketAddress
      readonly reason: RefusalReason
      /** For people; absent when the reason says it all. */
      readonly detail?: string
    }
  /** `isExtended`: EHLO, else HELO. */
  /** Most places for sessions, of all processes together, are taken: sessions have less time and errors. */
  | {
      readonly kind: 'strain-began'
      readonly sessionCount: number
      readonly maxSessionCount: number
    }
  | { readonly kind: 'strain-ended'; readonly sessionCount: number; readonly forMs: number }
  /** A network has used up its budget: told once an hour. `limit` is the budget. */
  | {
      readonly kind: 'guessing-seen'
      readonly network: string
      readonly budget: 'unknown-recipients' | 'questions'
      readonly limit: number
      readonly mode: 'off' | 'observe' | 'enforce'
    }
  | {
      readonly kind: 'greeted'
      readonly session: string
      readonly name: string
      readonly isExtended: boolean
    }
  | {
      readonly kind: 'tls-established'
      readonly session: string
      readonly protocol: string
      readonly cipher: string
      readonly resumed: boolean
      /** When the client was asked for one: `verified: …`, `unverified: …` or `none`; not cleaned. */
      readonly clientCertificate?: string
    }
  | { readonly kind: 'tls-failed'; readonly session: string; readonly detail: string }
  /** Emitted only when the reverse-path was refused. */
  | {
      readonly kind: 'sender-judged'
      readonly session: string
      readonly mail: string
      readonly reversePath: string
      readonly verdict: Verdict
      readonly reply: string
    }
  /** `source` is null when no recipient verification was needed to decide. */
  | {
      readonly kind: 'recipient-judged'
      readonly session: string
      readonly mail: string
      readonly reversePath: string
      readonly recipient: string
      readonly verdict: Verdict
      readonly reply: string
      readonly source: AnswerSource | null
      readonly tookMs: number
    }
  /** A mail rule that is only observed would have said `verdict`. Once a mail and rule. */
  | {
      readonly kind: 'rule-observed'
      readonly session: string
      readonly mail: string
      readonly rule: MailRule
      readonly clientAddress: string
      readonly reversePath: string
      readonly recipient: string
      readonly verdict: Verdict
    }
  /** A triple of client network, sender and recipient has waited long enough; it need not any more. */
  | {
      readonly kind: 'greylist-passed'
      readonly session: string
      readonly mail: string
      readonly clientAddress: string
      readonly waitedMs: number
    }
  /** The reply to end of data. `receiveMs` from DATA to its end, `handoverMs` from there to the reply. */
  | {
      readonly kind: 'mail-finished'
      readonly session: string
      readonly mail: string
      readonly clientAddress: string
      readonly greetingName: string
      readonly reversePath: string
      readonly recipients: readonly string[]
      readonly sizeBytes: number
      readonly verdict: Verdict
      readonly reply: string
      readonly receiveMs: number
      readonly handoverMs: number
      readonly transfers: readonly TransferSummary[]
      /** What the spool took: to be delivered later, or held. */
      readonly takenOver: readonly {
        readonly recipient: string
        readonly fate: 'waiting' | 'held'
        /** What its server said, or why it said nothing; not cleaned. */
        readonly reply: string
      }[]
      /** The client did not wait for the reply. */
      readonly isClientGone: boolean
    }
  /** `line` is the command as it came. */
  | {
      readonly kind: 'protocol-error'
      readonly session: string
      readonly detail: string
      readonly line: string
    }
  | {
      readonly kind: 'session-closed'
      readonly session: string
      readonly client: SocketAddress
      readonly reason: SessionCloseReason
      readonly mailCount: number
      readonly commandCount: number
      readonly receivedBytes: number
      readonly durationMs: number
    }
  /** A bug. `session` is null when it happened outside of any. */
  | { readonly kind: 'internal-error'; readonly session: string | null; readonly error: unknown }
