// One transition of the session: what goes in, what comes out, and the few ways to build it.

import type { Command, CommandProblem } from '#smtp/command.ts'
import type { ForwardPath } from '#smtp/path.ts'
import type { Reply } from '#smtp/reply.ts'
import { verdictReply } from '#verdict/replies.ts'
import { defer, type Verdict } from '#verdict/verdict.ts'
import type { SessionState, Transaction } from './state.ts'

/** What does not change while a session lives. */
export interface SessionRules {
  readonly hostname: string
  readonly isTlsOffered: boolean
  readonly isChunkingOffered: boolean
  /** Clients that do not wait where RFC 2920 has them wait lose the session; else it is only told. */
  readonly isPipeliningEnforced: boolean
  readonly maxMessageBytes: number
  readonly maxRecipientCount: number
  readonly maxTransactionCount: number
  /** Since the last mail that was accepted; so the next two. */
  readonly maxErrorCount: number
  readonly maxCommandCount: number
  readonly maxIdleCommandCount: number
  readonly unknownRecipientDelayAfterCount: number
  readonly unknownRecipientDelayMs: number
  readonly maxUnknownRecipientCount: number
}

/** A command, the content (a pause, or too slow altogether), or the whole session. */
export type TimedOut = 'command' | 'content' | 'session'

export type SessionEvent =
  | { readonly kind: 'opened' }
  | { readonly kind: 'command'; readonly command: Command }
  | { readonly kind: 'command-problem'; readonly problem: CommandProblem }
  | { readonly kind: 'sender-judged'; readonly verdict: Verdict; readonly traceId: string }
  | { readonly kind: 'recipient-judged'; readonly verdict: Verdict; readonly traceId: string }
  /**
   * The end of data, or the last octet of a chunk, has arrived. `isDoomed`: whatever may still come of the
   * mail, it will be refused.
   */
  | { readonly kind: 'content-complete'; readonly isDoomed: boolean }
  /** `words` is cleaned text for the reply: the next hop's own, or whom a refusal concerns; or ''. */
  | {
      readonly kind: 'mail-judged'
      readonly verdict: Verdict
      readonly traceId: string
      readonly words: string
    }
  | { readonly kind: 'encrypted' }
  /** `of`: what took too long. */
  | { readonly kind: 'timeout'; readonly of: TimedOut }
  | { readonly kind: 'draining' }

export type CloseReason =
  | 'quit'
  | 'timeout'
  | 'draining'
  | 'too-many-errors'
  | 'too-many-commands'
  | 'too-many-unknown-recipients'
  | 'too-many-mails'
  | 'protocol-violation'

/** What the driver has to do. */
export type Effect =
  | {
      readonly kind: 'reply'
      readonly reply: Reply
      /** Wait this long before the reply: the price of guessing addresses. */
      readonly delayMs: number
    }
  | { readonly kind: 'judge-sender'; readonly transaction: Transaction }
  | { readonly kind: 'judge-recipient'; readonly candidate: ForwardPath }
  /** All that arrives, up to the end mark. */
  | { readonly kind: 'receive-content' }
  /** So many octets of content, which may be none. */
  | { readonly kind: 'receive-chunk'; readonly sizeBytes: number; readonly isLast: boolean }
  /** So many octets, at least one, and forget them. */
  | { readonly kind: 'skip-octets'; readonly count: number }
  | { readonly kind: 'judge-mail' }
  /** `refused` and the end when anything has arrived behind STARTTLS, else `ready` and the handshake. */
  | { readonly kind: 'start-tls'; readonly ready: Reply; readonly refused: Reply }
  | { readonly kind: 'close'; readonly reason: CloseReason }

export interface Step {
  readonly state: SessionState
  readonly effects: readonly Effect[]
}

/** A reply, and nothing else changes. */
export function answer(state: SessionState, message: Reply): Step {
  return { state, effects: [{ kind: 'reply', reply: message, delayMs: 0 }] }
}

/** A reply to something the client did wrong: it counts. */
export function mistake(state: SessionState, message: Reply): Step {
  const standing = { ...state.standing, errorCount: state.standing.errorCount + 1 }
  return answer({ ...state, standing }, message)
}

export function closing(state: SessionState, message: Reply, reason: CloseReason): Step {
  return {
    state: { phase: 'closed', standing: state.standing },
    effects: [
      { kind: 'reply', reply: message, delayMs: 0 },
      { kind: 'close', reason },
    ],
  }
}

/** The driver fed an event that cannot happen in this phase: a bug, answered as everything unexpected. */
export function unexpected(state: SessionState): Step {
  return answer(state, verdictReply(defer({ kind: 'internal-error' }), '', ''))
}
