// What people are told at once: an alert, or many of them collected.

import type { MailDelayed, MailHeld, RequirementViolated } from './alert.ts'

export interface HeldDigest {
  readonly kind: 'mail-held'
  readonly domain: string
  readonly mailCount: number
  /** The first ones, at most `maxListedCount`. Never empty. */
  readonly mails: readonly [MailHeld, ...MailHeld[]]
}

export type Notice = MailDelayed | HeldDigest | RequirementViolated

/** Mails named in a digest: enough to see what they have in common; the queue lists them all. */
export const maxListedCount = 20
