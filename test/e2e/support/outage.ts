// What the scenarios of outages have in common: times short enough, and a look into the spool.

import path from 'node:path'
import { readSpool, type SpooledRecipient } from '../../support/read-spool.ts'
import type { TestRelay } from '../../support/relay.ts'
import { impatient, sendOneMail, until } from './mail.ts'

/** Tries again within seconds; the breaker opens as it does by default. */
export const quick: Readonly<Record<string, Readonly<Record<string, unknown>>>> = {
  ...impatient,
  verification: { ...impatient.verification, breakerFailures: 3, breakerRecovery: '1s' },
  delivery: { pauses: ['500ms', '1s'], recoverEvery: '1s', stopTimeout: '1s' },
}

/** What the relay has taken responsibility for. */
export function spoolOf(relay: Pick<TestRelay, 'folder'>): readonly SpooledRecipient[] {
  return readSpool(path.join(relay.folder, 'state'))
}

/** `ADDRESS` for those that wait, `ADDRESS: REASON` for those in the hold, in alphabetical order. */
export function fatesOf(relay: Pick<TestRelay, 'folder'>): readonly string[] {
  return spoolOf(relay)
    .map(({ address, holdReason }) => (holdReason === null ? address : `${address}: ${holdReason}`))
    .toSorted()
}

/** Waits until nothing waits for delivery any more. What is in the hold stays there. */
export async function untilDelivered(
  relay: Pick<TestRelay, 'folder'>,
  timeoutMs = 15_000,
): Promise<void> {
  await until(() => spoolOf(relay).every(({ holdReason }) => holdReason !== null), timeoutMs)
}

/** Has each recipient asked for and remembered as deliverable, by a mail of its own. */
export async function makeKnown(
  relay: { readonly port: number },
  recipients: readonly string[],
): Promise<void> {
  for (const to of recipients) {
    const sent = await sendOneMail(relay, { to })
    if (sent.final?.startsWith('250') !== true) throw new Error(`not known now: ${sent.final}`)
  }
}

/** A mail that is found again by its subject. */
export function contentNamed(subject: string): string {
  return `From: s@sender.example\r\nSubject: ${subject}\r\n\r\nText of ${subject}.\r\n`
}

/** Each mail with that subject that an institute has taken: for whom, in alphabetical order. */
export function arrivals(
  institute: {
    readonly mails: readonly {
      readonly headerText: string
      readonly recipients: readonly string[]
    }[]
  },
  subject: string,
): readonly (readonly string[])[] {
  return institute.mails
    .filter(({ headerText }) => headerText.includes(`Subject: ${subject}\r\n`))
    .map(({ recipients }) => recipients.toSorted())
}
