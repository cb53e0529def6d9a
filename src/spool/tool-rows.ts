// Rows of spool.db as the shapes people's tools see.

import type { Attempt, HoldReason, RecipientFate } from './spool.ts'
import type { Order, OrderRecord, SpoolEntry, SpoolRecipient } from './spool-tools.ts'

export type Row = Readonly<Record<string, unknown>>

/** Everything of an entry but its content. */
export const entryColumns =
  'number, id, reverse_path, client_address, greeting_name, received_at_ms, size_bytes'

export function entryOf(row: Row, recipients: readonly SpoolRecipient[]): SpoolEntry {
  return {
    id: textOf(row, 'id'),
    reversePath: textOf(row, 'reverse_path'),
    clientAddress: textOf(row, 'client_address'),
    greetingName: textOf(row, 'greeting_name'),
    receivedAtMs: numberOf(row, 'received_at_ms'),
    sizeBytes: numberOf(row, 'size_bytes'),
    recipients,
  }
}

export function recipientOf(row: Row): SpoolRecipient {
  return {
    address: textOf(row, 'address'),
    domain: textOf(row, 'domain'),
    fate: fateOf(row),
    attemptCount: numberOf(row, 'attempt_count'),
    lastAttemptMs: numberOrNull(row, 'last_attempt_ms'),
    reply: textOf(row, 'reply'),
    movedTo: textOrNull(row, 'moved_to'),
  }
}

function fateOf(row: Row): RecipientFate {
  const sinceMs = numberOrNull(row, 'held_since_ms')
  if (sinceMs === null) return { kind: 'waiting', nextAttemptMs: numberOf(row, 'next_attempt_ms') }
  return { kind: 'held', reason: holdReasonOf(row['hold_reason']), sinceMs }
}

const holdReasons: Readonly<Record<HoldReason, true>> = {
  refused: true,
  expired: true,
  'not-served': true,
  damaged: true,
  ordered: true,
}

export function holdReasonOf(value: unknown): HoldReason {
  const isKnown = typeof value === 'string' && Object.hasOwn(holdReasons, value)
  return isKnown ? (value as HoldReason) : 'damaged'
}

export function attemptOf(row: Row): Attempt {
  const outcome = row['outcome']
  return {
    atMs: numberOf(row, 'at_ms'),
    domain: textOf(row, 'domain'),
    server: textOf(row, 'server'),
    address: textOrNull(row, 'address'),
    tls: textOrNull(row, 'tls'),
    outcome: outcome === 'relayed' || outcome === 'refused' ? outcome : 'deferred',
    reply: textOf(row, 'reply'),
    tookMs: numberOf(row, 'took_ms'),
  }
}

export function orderRecordOf(row: Row): OrderRecord {
  return {
    atMs: numberOf(row, 'at_ms'),
    by: textOf(row, 'by'),
    order: textOf(row, 'kind') as Order['kind'], // written by us alone
    reason: textOf(row, 'reason'),
    id: textOf(row, 'id'),
    recipients: textsOf(textOf(row, 'recipients')),
    detail: textOf(row, 'detail'),
  }
}

function textsOf(json: string): readonly string[] {
  const value: unknown = JSON.parse(json)
  return Array.isArray(value) ? value.map(String) : []
}

export function textOf(row: Row, column: string): string {
  const value = row[column]
  return typeof value === 'string' ? value : ''
}

export function numberOf(row: Row, column: string): number {
  const value = row[column]
  return typeof value === 'number' ? value : 0
}

function textOrNull(row: Row, column: string): string | null {
  const value = row[column]
  return typeof value === 'string' ? value : null
}

function numberOrNull(row: Row, column: string): number | null {
  const value = row[column]
  return typeof value === 'number' ? value : null
}
