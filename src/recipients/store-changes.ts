// What other processes changed in recipients.db since we last looked.

import { randomUUID } from 'node:crypto'
import type { DatabaseSync } from 'node:sqlite'
import { numberColumn } from './store-numbers.ts'

/** `local` null: anything of the domain. `everything`: we were away too long to know. */
export type ForeignChange =
  | { readonly kind: 'address'; readonly domain: string; readonly local: string | null }
  | { readonly kind: 'everything' }

/** Older ones are dropped; a process that slept longer forgets all it holds in memory. */
const keptChangeCount = 20_000

/** One for each open database: what this process writes is not news to it. */
export interface ChangeFeed {
  /** Cheap when nobody else committed (PRAGMA data_version). Throws what the database throws. */
  readonly poll: () => readonly ForeignChange[]
  /** Reads without the shortcut: for use inside a write transaction. */
  readonly read: () => readonly ForeignChange[]
  /** Notes a change of ours, in the caller's transaction. */
  readonly write: (domain: string, local: string | null) => void
  /** The last sequence number; taken inside the transaction, after the last `write`. */
  readonly newest: () => number
  /**
   * Skips up to there. To be called after COMMIT only: numbers of a transaction that was rolled back
   * are given out again, and then to somebody else.
   */
  readonly skipTo: (sequence: number) => void
  readonly prune: () => void
}

export function createChangeFeed(database: DatabaseSync): ChangeFeed {
  const writer = randomUUID()
  const version = database.prepare('PRAGMA data_version')
  const newest = database.prepare('SELECT max(sequence) AS value FROM changes')
  const oldest = database.prepare('SELECT min(sequence) AS value FROM changes')
  const since = database.prepare('SELECT * FROM changes WHERE sequence > ? ORDER BY sequence')
  const insert = database.prepare('INSERT INTO changes (writer, domain, local) VALUES (?, ?, ?)')
  const deleteOld = database.prepare('DELETE FROM changes WHERE sequence <= ?')
  let seenVersion = numberColumn(version.get(), 'data_version')
  let seenSequence = numberColumn(newest.get(), 'value')

  const read = (): readonly ForeignChange[] => {
    const isGap = numberColumn(oldest.get(), 'value') > seenSequence + 1
    const changes: ForeignChange[] = isGap ? [{ kind: 'everything' }] : []
    for (const row of since.iterate(seenSequence)) {
      seenSequence = numberColumn(row, 'sequence')
      if (isGap || row['writer'] === writer) continue
      const local = typeof row['local'] === 'string' ? row['local'] : null
      changes.push({ kind: 'address', domain: String(row['domain']), local })
    }
    return changes
  }

  return {
    poll: () => {
      const current = numberColumn(version.get(), 'data_version')
      if (current === seenVersion) return []
      seenVersion = current
      return read()
    },
    read,
    write: (domain, local) => {
      insert.run(writer, domain, local)
    },
    newest: () => numberColumn(newest.get(), 'value'),
    skipTo: (sequence) => {
      seenSequence = Math.max(seenSequence, sequence)
    },
    prune: () => {
      deleteOld.run(numberColumn(newest.get(), 'value') - keptChangeCount)
    },
  }
}
