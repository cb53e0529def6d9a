// What is remembered of one recipient, as people want to see it.

import { isListed, type LastAnswer, type RecipientEntry } from './entry.ts'
import type { RecipientRecord } from './recipients.ts'

export function recordOf(entry: RecipientEntry, nowMs: number): RecipientRecord | undefined {
  const address = `${entry.local}@${entry.domain}`
  const standing = standingOf(entry)
  const isPinned = entry.pinnedUntilMs > nowMs
  const vouched = { address, outcome: 'deliverable', reply: '', nextHop: null, stage: '' } as const
  if (isPinned) {
    const validUntilMs = entry.pinnedUntilMs
    return { ...vouched, source: 'pin', checkedAtMs: nowMs, tookMs: 0, validUntilMs, standing }
  }
  const { last } = entry
  if (last !== null && (!isListed(entry) || entry.standing?.kind === 'positive')) {
    return answerRecord(entry, last)
  }
  if (entry.listedAtMs === null) return undefined
  const checkedAtMs = entry.listedAtMs
  return { ...vouched, source: 'list', checkedAtMs, tookMs: 0, validUntilMs: null, standing }
}

/** The last answer of the next hop itself, whatever pins and lists say. */
export function answerRecord(entry: RecipientEntry, last: LastAnswer): RecipientRecord {
  const { outcome, source, reply, nextHop, stage, atMs, tookMs } = last
  return {
    address: `${entry.local}@${entry.domain}`,
    outcome,
    source,
    reply,
    nextHop,
    stage,
    checkedAtMs: atMs,
    tookMs,
    validUntilMs: null,
    standing: standingOf(entry),
  }
}

function standingOf({ standing }: RecipientEntry): RecipientRecord['standing'] {
  if (standing === null) return null
  const outcome = standing.kind === 'positive' ? 'deliverable' : 'undeliverable'
  return { outcome, sinceMs: standing.atMs }
}
