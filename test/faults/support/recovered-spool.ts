// Opens a folder as the relay would after a crash, and tells what is there then: once through the spool
// itself, which has to give every mail out unharmed, and once past it, from the files.

import { readFileSync } from 'node:fs'
import path from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { openSpool } from '#spool/open-spool.ts'
import {
  SpoolError,
  type HoldReason,
  type Lease,
  type Spool,
  type SpoolEvent,
} from '#spool/spool.ts'
import type { FoundEntry } from './expectation.ts'
import { planNowMs } from './spool-plan.ts'

export interface RecoveredSpool {
  readonly entries: readonly FoundEntry[]
  /** Entries the spool gave out, with bytes other than those in the files or none: never any. */
  readonly unreadable: readonly string[]
  readonly events: readonly SpoolEvent[]
}

type Row = Readonly<Record<string, unknown>>

/** `state`: the folder above `spool`. Rejects when the spool cannot be opened: that is a loss of all. */
export async function recoverSpool(state: string): Promise<RecoveredSpool> {
  const folder = path.join(state, 'spool')
  const events: SpoolEvent[] = []
  const spool = await openSpool({
    folder,
    reserveBytes: 0,
    reserveInodeCount: 0,
    maxDelayMs: 3_600_000,
    clock: { now: () => planNowMs, monotonicMs: () => performance.now() },
    emit: (event) => void events.push(event),
  })
  try {
    return { ...(await look(spool, folder)), events }
  } catch (error) {
    // A harm that nobody has met when it was opened.
    if (!(error instanceof SpoolError) || error.kind !== 'damaged') throw error
    await spool.recover()
    return { ...(await look(spool, folder)), events }
  } finally {
    await spool.close()
  }
}

async function look(spool: Spool, folder: string): Promise<Omit<RecoveredSpool, 'events'>> {
  const entries = readEntries(folder)
  return { entries, unreadable: await unreadable(spool, entries) }
}

function readEntries(folder: string): readonly FoundEntry[] {
  const database = new DatabaseSync(path.join(folder, 'spool.db'), { readOnly: true })
  try {
    return database
      .prepare('SELECT * FROM entry ORDER BY number')
      .all()
      .map((row: Row) => ({
        id: String(row['id']),
        recipients: database
          .prepare('SELECT * FROM recipient WHERE entry = ? ORDER BY position')
          .all(Number(row['number']))
          .map(recipientOf),
        content: contentOf(folder, row),
      }))
  } finally {
    database.close()
  }
}

function contentOf(folder: string, row: Row): Buffer {
  const prefix = row['prefix'] instanceof Uint8Array ? row['prefix'] : new Uint8Array()
  if (row['has_file'] === 0) return Buffer.from(prefix)
  return Buffer.concat([prefix, fileBytes(folder, row)])
}

function fileBytes(folder: string, row: Row): Buffer {
  try {
    const file = path.join(folder, 'content', String(row['id']))
    return readFileSync(file).subarray(Number(row['file_offset']))
  } catch {
    return Buffer.from('there is no file')
  }
}

function recipientOf(row: Row): FoundEntry['recipients'][number] {
  const address = String(row['address'])
  const sinceMs = row['held_since_ms']
  return typeof sinceMs === 'number'
    ? { address, fate: { kind: 'held', reason: String(row['hold_reason']) as HoldReason, sinceMs } }
    : { address, fate: { kind: 'waiting', nextAttemptMs: Number(row['next_attempt_ms']) } }
}

async function unreadable(
  spool: Spool,
  entries: readonly FoundEntry[],
): Promise<readonly string[]> {
  const waiting = new Set(
    entries.flatMap(({ recipients }) =>
      recipients
        .filter(({ fate }) => fate.kind === 'waiting')
        .map(({ address }) => address.slice(address.indexOf('@') + 1)),
    ),
  )
  const bad: string[] = []
  for (const domain of waiting) {
    // The schedule of a plan lies within the hour.
    const nowMs = planNowMs + 3_600_000
    for (const lease of await spool.lease({ domain, nowMs, maxCount: 1000 })) {
      const stored = entries.find(({ id }) => id === lease.id)?.content
      const given = await readAll(lease)
      if (given === null || stored?.equals(given) !== true) bad.push(lease.id)
    }
  }
  return bad
}

async function readAll(lease: Lease): Promise<Buffer | null> {
  const reader = lease.content?.open()
  if (reader === undefined) return null
  const pieces: Buffer[] = []
  try {
    for (;;) {
      const next = await reader.next()
      if (next === null) return Buffer.concat(pieces)
      pieces.push(...next)
    }
  } catch {
    return null
  } finally {
    reader.close()
  }
}
