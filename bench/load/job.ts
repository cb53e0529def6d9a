// What the load generator can be asked for, and what it answers. It is a process of its own, so that what it
// costs is not mistaken for anything else; so is the sink.

export interface MailPlan {
  readonly port: number
  /** `known`: always the same; `new`: one that has not been used before; both at `domain`. */
  readonly recipients: 'known' | 'new'
  readonly domain: string
  /** In every transaction; recipients differ within it. */
  readonly recipientCount: number
  readonly contentBytes: number
  /** MAIL, RCPT and DATA in one group (RFC 2920). */
  readonly isPipelining: boolean
  readonly isTls: boolean
}

export type Job =
  /** As fast as answers come, over `sessionCount` sessions at once. */
  | {
      readonly kind: 'closed'
      readonly plan: MailPlan
      readonly sessionCount: number
      readonly mailCount: number
      readonly mailsPerSession: number
    }
  /** At a fixed rate, whether answers come or not: each mail over a connection of its own. */
  | {
      readonly kind: 'open'
      readonly plan: MailPlan
      readonly mailCount: number
      readonly perSecond: number
    }
  /** Opens sessions, says EHLO, and leaves it at that until `release`. */
  | {
      readonly kind: 'hold'
      readonly port: number
      readonly sessionCount: number
      readonly isTls?: boolean
    }
  /**
   * As `hold`, and each sends a few bytes a second until `release`: half of them of a command that never ends,
   * half of content, to a recipient at `domain`. Who is sent away comes again.
   */
  | {
      readonly kind: 'drip'
      readonly port: number
      readonly sessionCount: number
      readonly domain: string
    }
  | { readonly kind: 'release' }

export interface LoadResult {
  /** Milliseconds since 1970, with fractions: comparable among the processes of one machine. */
  readonly startMs: number
  readonly endMs: number
  /** Mails, or sessions that are open. */
  readonly acceptedCount: number
  readonly refusedCount: number
  /** The first refusal or failure; '' when there is none. */
  readonly refusal: string
  /** From connecting to the reply to the content, of accepted mails that had a connection of their own. */
  readonly latenciesMs: readonly number[]
}

export function nowMs(): number {
  return performance.timeOrigin + performance.now()
}
