// What delivery and the rechecks have to tell people, and how it reaches them: as mail through the relay's own path, and
// by a webhook. The door. Log and metrics see every alert, whatever becomes of mail and webhook.
//
// An alert is the only message Pforte ever writes. Its reverse-path is the operator's mailbox, of a type
// that cannot be null, and it goes to addresses of served domains only, so it is no way to send to
// strangers. One try, no spool: an alert that cannot be told by mail is still in the log.

import type { HoldReason } from '#spool/spool.ts'
import type { BothLanguages } from './words.ts'

export { openAlerts, usualAlertTimes, type AlertOptions, type AlertTimes } from './open-alerts.ts'

/** The oldest mail of a domain has waited too long. Once in an outage, and then once a day. */
export interface MailDelayed {
  readonly kind: 'mail-delayed'
  /** Who has to know: `operator` after the longer time, and then the institute as well. */
  readonly level: AlertLevel
  /** A-label, lower case: the served domain in trouble. */
  readonly domain: string
  /** Recipients that wait. */
  readonly waitingCount: number
  readonly oldestReceivedAtMs: number
  readonly ageMs: number
  /** The next hop's words, or why there are none; not cleaned. '' when it was never asked. */
  readonly lastReply: string
  /** The server for people; not cleaned. */
  readonly server: string
}

/** Recipients of one mail are in the hold. Many may come at once: they are told together. */
export interface MailHeld {
  readonly kind: 'mail-held'
  /** A-label, lower case. */
  readonly domain: string
  /** The mail's name in the spool. */
  readonly id: string
  /** Those held, without angle brackets; not cleaned. */
  readonly recipients: readonly string[]
  readonly reason: HoldReason
  /** The next hop's words; not cleaned. '' when there are none. */
  readonly reply: string
}

/** A server does not meet requirements any more: examined again and seen twice, or by what it does with mail. */
export interface RequirementViolated {
  readonly kind: 'requirement-violated'
  /** What of the domain it is about; `mail`: what its server has refused of real mail. */
  readonly watch: 'server' | 'zone' | 'mail'
  /** A-label, lower case. */
  readonly domain: string
  /** `mail.inst.example:25` */
  readonly server: string
  readonly violated: readonly [ViolatedCheck, ...ViolatedCheck[]]
  /** When it was seen again. */
  readonly atMs: number
}

export interface ViolatedCheck {
  /** Its id. */
  readonly check: string
  readonly title: BothLanguages
  /** What was seen; not cleaned. */
  readonly summary: BothLanguages
}

export type Alert = MailDelayed | MailHeld | RequirementViolated

/** Held mail and violated requirements concern both; they count as `operator`. */
export type AlertLevel = 'institute' | 'operator'

export interface Alerts {
  /** Takes an alert; everything that waits happens later. Never throws. */
  readonly raise: (alert: Alert) => void
  /** Tells what was collected, and waits at most `graceMs` for what is under way. Never rejects. */
  readonly close: (graceMs: number) => Promise<void>
}

/** Why an alert was not sent to somebody as mail. */
export type SkipReason =
  /** There is no reverse-path to send with: `postmaster` is not set. */
  | 'no-postmaster'
  /** The domain has no contact, or none with an address, or is not served any more. */
  | 'no-contact'
  /** The address is not of a served domain. */
  | 'not-served'
  /** Its domain is suspended. */
  | 'suspended'
  /** Its server is the one the alert is about. */
  | 'same-route'
  /** Its server does not answer at the moment. */
  | 'target-down'
  /** Too many alerts wait, or the relay ends. */
  | 'dropped'

interface About {
  readonly alert: Alert['kind']
  /** The domain in trouble. */
  readonly domain: string
}

interface AboutMail extends About {
  /** Whom it is for. */
  readonly audience: AlertLevel
}

export type AlertEvent =
  /** Every alert, when it is raised. */
  | { readonly kind: 'alert-raised'; readonly alert: Alert }
  | (AboutMail & {
      readonly kind: 'alert-mail-sent'
      /** Without angle brackets. */
      readonly recipient: string
      readonly messageId: string
      readonly server: string
      /** The next hop's words, not cleaned. */
      readonly reply: string
      readonly tookMs: number
    })
  | (AboutMail & {
      readonly kind: 'alert-mail-skipped'
      /** Null when it did not come to an address. */
      readonly recipient: string | null
      readonly reason: SkipReason
    })
  | (AboutMail & {
      readonly kind: 'alert-mail-failed'
      readonly recipient: string
      readonly messageId: string
      readonly server: string
      /** The next hop's words, or why there are none; not cleaned. */
      readonly detail: string
    })
  | (About & {
      readonly kind: 'alert-webhook-sent'
      readonly attemptCount: number
      readonly tookMs: number
    })
  | (About & {
      readonly kind: 'alert-webhook-failed'
      /** 0: it was dropped because too many wait or the relay ends. */
      readonly attemptCount: number
      /** Why, without the URL, which may hold a secret. */
      readonly detail: string
    })

/** A bug of ours; `error` names what was to be done and has the fault as its cause. */
export interface AlertFault {
  readonly kind: 'internal-error'
  readonly session: null
  readonly error: unknown
}
