// Pooled connections to the institutes' servers. The door: what can be asked of a next hop, and what
// comes back. Nothing here judges; an answer is the peer's reply or the reason why there is none.

import type { PresentedClient } from '#client/client.ts'
import type { Extensions } from '#smtp/extensions.ts'
import type { PeerReply } from '#smtp/reply.ts'
import type { Route, RouteLimits, TlsPolicy } from '#registry/registry.ts'
import type { TlsStanding } from './judge-tls.ts'

export type { TlsStanding } from './judge-tls.ts'

/** How far a dialog with a next hop had come. */
export type Stage =
  | 'dns'
  | 'pool'
  | 'connect'
  | 'banner'
  | 'ehlo'
  | 'starttls'
  /** XCLIENT and the EHLO after it: what the server has against the client, not the mail. */
  | 'xclient'
  | 'mail'
  | 'rcpt'
  | 'data'
  | 'content'
  | 'end-of-data'

/** Why a question to a next hop has no answer. `detail` is for humans, one line, not cleaned. */
export interface NoAnswer {
  readonly kind:
    /** The name has no address, or the resolver gave none in time. */
    | 'dns'
    /** Connection refused, reset, closed, unreachable. */
    | 'io'
    | 'timeout'
    /** STARTTLS or the handshake failed, or the certificate is not the one the policy asks for. */
    | 'tls'
    /** 4yz or 5yz at a stage other than the question's own. `reply` is set. */
    | 'refused'
    /** Endless, contradictory, malformed, or before its question. */
    | 'malformed'
    /** The next hop does not offer what this mail needs. */
    | 'smtputf8-unsupported'
    /** The breaker is open: nothing was asked, the server did not answer a moment ago. */
    | 'breaker-open'
    /** No connection of the pool became free in time, or too many wait for one already. */
    | 'busy'
    /** The asker went away. */
    | 'aborted'
    /** Temporary file or other local resource failed: not the next hop's fault. */
    | 'local'
  readonly stage: Stage
  readonly detail: string
  readonly reply: PeerReply | null
}

/** The server that answered, or was meant to. */
export interface NextHopFacts {
  /** The name for people: the host of the endpoint, or its address. */
  readonly server: string
  /** Address and port connected to, or null when it did not come to that. */
  readonly address: string | null
  readonly port: number
  /**
   * `TLSv1.3 TLS_AES_256_GCM_SHA384 verified`; or `pinned`, or `unverified (…)` with the reason at the end.
   * Null in clear.
   */
  readonly tls: string | null
  /** What it offered in its last EHLO; null when it was never reached. */
  readonly extensions: Extensions | null
}

/** An address and port a route leads to. */
export interface Destination {
  readonly address: string
  readonly port: number
  /** False: the route names this very address. */
  readonly isFromDns: boolean
}

/** Why no connection is made to a destination; `words` stand behind `ADDRESS: `. */
export interface DestinationObjection {
  /** It is where the relay itself listens. */
  readonly isOwn: boolean
  readonly words: string
}

export type ObjectionTo = (destination: Destination) => DestinationObjection | null

/** One recipient to be asked for: MAIL, RCPT, RSET (RFC 5321 §3.3, no DATA ever follows). */
export interface Question {
  /** Without angle brackets; '' is the null reverse-path. */
  readonly reversePath: string
  /** Without angle brackets. */
  readonly recipient: string
  /** Declared size in bytes, or null. Sent only when the next hop offers SIZE. */
  readonly sizeBytes: number | null
  readonly isSmtpUtf8: boolean
}

export type ProbeResult =
  | {
      readonly kind: 'answered'
      readonly reply: PeerReply
      readonly nextHop: NextHopFacts
      readonly tookMs: number
    }
  | {
      readonly kind: 'no-answer'
      readonly cause: NoAnswer
      readonly nextHop: NextHopFacts
      readonly tookMs: number
    }

/** A mail ready to be handed over. */
export interface OutboundMail {
  /** Without angle brackets; '' is the null reverse-path. */
  readonly reversePath: string
  /** Without angle brackets, never empty. */
  readonly recipients: readonly string[]
  readonly isSmtpUtf8: boolean
  readonly is8BitMime: boolean
  /** Bytes of the content in wire form, `Received` included. The trace field of the way out is added to it. */
  readonly sizeBytes: number
  /**
   * Opens the content in wire form (dot-stuffed, ending in CR LF . CR LF). May be called once for
   * each attempt; the reader is closed by whoever opened it.
   */
  readonly openContent: () => ContentReader
  /** Told to a server that offers XCLIENT, on routes that have it switched on; absent: nobody is. */
  readonly client?: OutboundClient | null
}

/** Whose mail it is. Its name is looked up when it is wanted. */
export type OutboundClient = Omit<PresentedClient, 'name'>

/** Content in wire form, either all of it in memory or to be read piece by piece. */
export interface ContentReader {
  /** The next pieces, or null at the end. Never an empty list. Rejects when the file cannot be read. */
  readonly next: () => readonly Buffer[] | null | Promise<readonly Buffer[] | null>
  readonly close: () => void
}

export type TransferResult =
  /** Content was sent; `reply` is the final answer to it, `recipients` the answers to RCPT in order. */
  | {
      readonly kind: 'answered'
      readonly recipients: readonly PeerReply[]
      readonly reply: PeerReply
      readonly nextHop: NextHopFacts
      readonly tookMs: number
    }
  /** Not every RCPT got a 2yz, so nothing was sent. */
  | {
      readonly kind: 'recipients-refused'
      readonly recipients: readonly PeerReply[]
      readonly nextHop: NextHopFacts
      readonly tookMs: number
    }
  /** No final answer. `isContentSent`: all of it was sent, so the mail may have arrived (RFC 1047). */
  | {
      readonly kind: 'no-answer'
      readonly cause: NoAnswer
      readonly isContentSent: boolean
      readonly nextHop: NextHopFacts
      readonly tookMs: number
    }

/** When to give up: the caller's signal, and milliseconds from now; and who goes first. */
export interface Within {
  readonly signal: AbortSignal | null
  readonly budgetMs: number
  /**
   * When several wait for a connection, those of a session (the default) get it before those of the
   * spool, who have time; but one in eight goes to the spool, so that it gets on under any load.
   */
  readonly precedence?: Precedence
}

export type Precedence = 'session' | 'spool'

export type BreakerState = 'closed' | 'open'

export interface NextHopState {
  readonly route: Route
  readonly breaker: BreakerState
  /** Wall time of the last change of `breaker`. */
  readonly sinceMs: number
  readonly consecutiveFailureCount: number
  readonly lastFailure: NoAnswer | null
  readonly connectionCount: number
  readonly waitingCount: number
}

export interface NextHops {
  /** Asks for one recipient. Never rejects: whatever goes wrong is a NoAnswer. */
  readonly probe: (route: Route, question: Question, within: Within) => Promise<ProbeResult>
  /** Hands one mail over. Never rejects. */
  readonly transfer: (route: Route, mail: OutboundMail, within: Within) => Promise<TransferResult>
  /** What the next hop of a route offered last; null if it was never reached. No I/O. */
  readonly extensions: (route: Route) => Extensions | null
  readonly isBreakerOpen: (route: Route) => boolean
  /**
   * Asks a next hop with an open breaker now whether it is back, without waiting for the next recovery
   * question; true when its breaker is closed then. Those who ask at the same time share one question,
   * and those who ask within a second get the last answer. True at once, without I/O, while the breaker
   * is closed. Never rejects.
   */
  readonly recover: (route: Route) => Promise<boolean>
  /** Opens or closes a breaker without an event: another process has told of it. */
  readonly hear: (news: TargetNews) => void
  readonly states: () => readonly NextHopState[]
  /**
   * From now on no route gets more connections, or more on one connection, than these limits say, by
   * Route.id; a route that is not in it has none beyond the options. No I/O.
   */
  readonly obey: (limits: ReadonlyMap<string, RouteLimits>) => void
  /**
   * Another process waits for a connection of the route: an idle one that was lent to this one ends, and, if it
   * `isTurn` of the other, one that is in use as soon as it is fair.
   */
  readonly makeRoom: (routeId: string, isTurn: boolean) => void
  /** Ends idle connections with QUIT and waits for the busy ones, at most `graceMs`. */
  readonly close: (graceMs: number) => Promise<void>
}

/**
 * Lends the connections of a server that takes fewer than there are processes, so that all of them reach it
 * and never with more than it takes.
 */
export interface Lender {
  /**
   * Resolves when this process may open one more of the route's `count` connections; false: not in time.
   * Never rejects.
   */
  readonly borrow: (routeId: string, count: number, withinMs: number) => Promise<boolean>
  /** A connection that was borrowed is gone, or did not come about. */
  readonly giveBack: (routeId: string) => void
}

/** This process's part of the connections that a server takes, where there are several processes. */
export interface ConnectionShare {
  /** At least 1; null: there are fewer than processes, so they are lent. */
  readonly of: (connectionCount: number) => number | null
  readonly lender: Lender
}

/** What another process has found out about a target. */
export interface TargetNews {
  readonly route: Route
  readonly isDown: boolean
  /** Why; null when it is up. */
  readonly cause: NoAnswer | null
}

export type NextHopEvent =
  | {
      readonly kind: 'next-hop-connected'
      readonly route: string
      readonly nextHop: NextHopFacts
      readonly purpose: 'question' | 'handover'
      readonly tookMs: number
      readonly tlsPolicy: TlsPolicy
      /** What is known of the server; and the version of TLS, null in clear. */
      readonly tlsStanding: TlsStanding
      readonly tlsProtocol: string | null
    }
  | {
      readonly kind: 'next-hop-failed'
      readonly route: string
      readonly nextHop: NextHopFacts
      readonly cause: NoAnswer
      readonly tlsPolicy: TlsPolicy
    }
  | { readonly kind: 'next-hop-down'; readonly route: string; readonly cause: NoAnswer }
  | { readonly kind: 'next-hop-up'; readonly route: string; readonly downForMs: number }
