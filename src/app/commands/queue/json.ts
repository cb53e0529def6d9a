// Parts of the spool as programs read them. Every key is always there; times are ISO 8601 in UTC; texts
// of peers are as they came.

import type { Attempt, RecipientFate } from '#spool/spool.ts'
import type { OrderRecord, SpoolEntry, SpoolOwner, SpoolRecipient } from '#spool/spool-tools.ts'
import { timeText } from '#app/commands/recipient/print.ts'

type Json = Readonly<Record<string, unknown>>

export function timeOrNull(ms: number | null): string | null {
  return ms === null ? null : timeText(ms)
}

export function ownerJson(owner: SpoolOwner | null): Json | null {
  return owner === null
    ? null
    : { pid: owner.pid, host: owner.host, since: timeText(owner.sinceMs) }
}

export function entryJson(entry: SpoolEntry): Json {
  return {
    id: entry.id,
    sender: entry.reversePath,
    clientAddress: entry.clientAddress,
    greetingName: entry.greetingName,
    receivedAt: timeText(entry.receivedAtMs),
    sizeBytes: entry.sizeBytes,
    recipients: entry.recipients.map(recipientJson),
  }
}

function recipientJson(recipient: SpoolRecipient): Json {
  return {
    address: recipient.address,
    domain: recipient.domain,
    ...fateJson(recipient.fate),
    movedTo: recipient.movedTo,
    attemptCount: recipient.attemptCount,
    lastAttemptAt: timeOrNull(recipient.lastAttemptMs),
    reply: recipient.reply,
  }
}

/** `nextAttemptAt` null: as soon as possible, or held. */
function fateJson(fate: RecipientFate): Json {
  const isHeld = fate.kind === 'held'
  return {
    fate: fate.kind,
    nextAttemptAt: isHeld || fate.nextAttemptMs === 0 ? null : timeText(fate.nextAttemptMs),
    heldSince: isHeld ? timeText(fate.sinceMs) : null,
    holdReason: isHeld ? fate.reason : null,
  }
}

export function attemptJson(attempt: Attempt): Json {
  const { atMs, tookMs, ...rest } = attempt
  return { at: timeText(atMs), ...rest, tookMs: Math.round(tookMs) }
}

export function orderJson({ atMs, ...rest }: OrderRecord): Json {
  return { at: timeText(atMs), ...rest }
}
