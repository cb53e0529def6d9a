// Drains the spool: who is due, one attempt each, what became of it; and looks after what gets old. The door.

import type { Clock } from '#base/clock.ts'
import type { LateRefusalEvent, NextHopFacts, NextHops } from '#handover/handover.ts'
import type { Mailbox } from '#smtp/path.ts'
import type { PeerReply } from '#smtp/reply.ts'
import type { Registry, ServedDomain } from '#registry/registry.ts'
import type { Attempt, HoldReason, Spool, SpoolId } from '#spool/spool.ts'
import { Drain } from './drain.ts'
import type { ScheduleRules } from './schedule.ts'

export { firstAttemptMs, longestDelayMs, type ScheduleRules } from './schedule.ts'

/** The oldest mail of a domain has waited too long. Once in an outage, and then once a day. */
export interface MailDelayed {
  readonly kind: 'mail-delayed'
  readonly level: 'institute' | 'operator'
  readonly domain: string
  /** Recipients that wait. */
  readonly waitingCount: number
  readonly oldestReceivedAtMs: number
  readonly ageMs: number
  /** The next hop's words, or why there are none; not cleaned. */
  readonly lastReply: string
  readonly server: string
}

/** Recipients of a mail have gone to the hold. */
export interface MailHeld {
  readonly kind: 'mail-held'
  readonly domain: string
  readonly id: SpoolId
  /** Without angle brackets; not cleaned. */
  readonly recipients: readonly string[]
  readonly reason: HoldReason
  readonly reply: string
}

export type DeliveryAlert = MailDelayed | MailHeld

export type DeliveryEvent =
  /** One attempt has been settled. Recipients without angle brackets. */
  | {
      readonly kind: 'mail-attempted'
      readonly mail: SpoolId
      readonly attempt: Attempt
      readonly relayed: readonly string[]
      readonly deferred: readonly string[]
      readonly held: readonly string[]
      /** When the deferred ones are tried again; null: none is, or when their server is back. */
      readonly nextAttemptMs: number | null
    }
  /** A server is back, or a relay was started: what waits for the domain is tried now. */
  | { readonly kind: 'delivery-hurried'; readonly domain: string; readonly recipientCount: number }
  /** Once a minute while there is something in the spool, and once when there is not any more. */
  | {
      readonly kind: 'spool-measured'
      readonly entryCount: number
      readonly waitingCount: number
      readonly heldCount: number
      readonly sizeBytes: number
      /** Null: nothing waits. */
      readonly oldestWaitingAgeMs: number | null
    }
  /** A step failed; it is tried again. */
  | { readonly kind: 'delivery-failed'; readonly detail: string }

export interface DeliveryOptions {
  readonly spool: Spool
  readonly registry: Pick<Registry, 'find'>
  readonly nextHops: NextHops
  /** The next hop's answer to RCPT in a delivery: what is known of the recipient may change. */
  readonly onRecipientReply: (
    domain: ServedDomain,
    mailbox: Mailbox,
    reply: PeerReply,
    nextHop: NextHopFacts,
  ) => void
  readonly raise: (alert: DeliveryAlert) => void
  readonly emit: (event: DeliveryEvent | LateRefusalEvent) => void
  readonly clock: Clock
  readonly random: () => number
  readonly schedule: ScheduleRules
  /** Of one route, at the same time. */
  readonly maxConnectionCount: number
  /** One attempt, content included. */
  readonly attemptBudgetMs: number
  /** Age at which what waits goes to the hold. */
  readonly holdAfterMs: number
  readonly alertInstituteAfterMs: number
  readonly alertOperatorAfterMs: number
}

export interface Delivery {
  /** A target answers again: what waits for it is tried at once. `routeId`: Route.id. */
  readonly targetIsUp: (routeId: string) => void
  /** Looks now instead of within a second. */
  readonly wake: () => void
  /** Starts nothing more and waits at most `graceMs` for attempts under way. Never rejects. */
  readonly close: (graceMs: number) => Promise<void>
}

/** Begins at once. */
export function openDelivery(options: DeliveryOptions): Delivery {
  return new Drain(options)
}
