// One open recipients.db: its statements. Everything here throws when SQLite does.

import type { DatabaseSync } from 'node:sqlite'
import { mergeEntries, type RecipientEntry } from './entry.ts'
import { createChangeFeed, type ForeignChange } from './store-changes.ts'
import { numberColumn } from './store-numbers.ts'
import { entryOf, rowOf, selectEntrySql, upsertEntrySql } from './store-rows.ts'
import { openStoreFile } from './store-schema.ts'

/** What asking found out about the target of a domain. */
export interface CatchAllMark {
  readonly routeId: string
  readonly domain: string
  readonly isCatchAll: boolean
  readonly askedAtMs: number
}

export interface TargetMarks {
  readonly catchAlls: readonly CatchAllMark[]
  /** Ids of the routes whose server refuses the null reverse-path of a question. */
  readonly probeSenderRoutes: readonly string[]
}

/** What is written together, at most once a second. */
export interface Batch {
  readonly entries: ReadonlyMap<string, RecipientEntry>
  readonly catchAlls: ReadonlyMap<string, CatchAllMark>
  readonly probeSenders: ReadonlyMap<string, boolean>
}

export interface PurgeRules {
  readonly nowMs: number
  /** Answers older than this go. */
  readonly keepMs: number
  readonly maxEntriesPerDomain: number
  /** Whose number of rows is looked at. */
  readonly domains: Iterable<string>
}

export interface StoreDatabase {
  readonly find: (domain: string, local: string) => RecipientEntry | undefined
  readonly marks: () => TargetMarks
  readonly poll: () => readonly ForeignChange[]
  /**
   * One transaction. `onChanges` gets what others changed before it, while nobody else can write, and
   * may still take entries out of the batch: another process's forget must not be undone.
   */
  readonly write: (
    batch: Batch,
    nowMs: number,
    onChanges: (changes: readonly ForeignChange[]) => void,
  ) => void
  readonly forget: (domain: string, local: string) => boolean
  readonly pin: (domain: string, local: string, untilMs: number) => void
  readonly replaceList: (domain: string, locals: Iterable<string>, atMs: number) => number
  readonly purge: (rules: PurgeRules) => void
  readonly close: () => void
}

/** Rows of one kind deleted in one go: a delete stops the event loop for as long as it takes. */
const maxPurgedRows = 5000

/** `folder` null: in memory. */
export function openStoreDatabase(folder: string | null): StoreDatabase {
  const database = openStoreFile(folder)
  try {
    return storeDatabase(database)
  } catch (error) {
    database.close()
    throw error
  }
}

function storeDatabase(database: DatabaseSync): StoreDatabase {
  const feed = createChangeFeed(database)
  const select = database.prepare(selectEntrySql)
  const upsert = database.prepare(upsertEntrySql)
  const deleteRecipient = database.prepare('DELETE FROM recipients WHERE domain = ? AND local = ?')
  const deletePin = database.prepare('DELETE FROM pins WHERE domain = ? AND local = ?')
  const upsertPin = database.prepare('INSERT OR REPLACE INTO pins VALUES (?, ?, ?)')
  const upsertCatchAll = database.prepare('INSERT OR REPLACE INTO catch_alls VALUES (?, ?, ?, ?)')
  const upsertSender = database.prepare('INSERT OR REPLACE INTO probe_senders VALUES (?, ?)')
  const deleteSender = database.prepare('DELETE FROM probe_senders WHERE route = ?')
  const purge = preparePurge(database)

  const transaction = <Value>(work: () => Value): Value => {
    database.exec('BEGIN IMMEDIATE')
    try {
      const value = work()
      const newest = feed.newest()
      database.exec('COMMIT')
      feed.skipTo(newest)
      return value
    } catch (error) {
      if (database.isTransaction) database.exec('ROLLBACK')
      throw error
    }
  }

  const find = (domain: string, local: string): RecipientEntry | undefined => {
    const row = select.get(domain, local)
    return row === undefined ? undefined : entryOf(domain, local, row)
  }

  const writeEntry = (entry: RecipientEntry): void => {
    const stored = find(entry.domain, entry.local)
    const merged = stored === undefined ? entry : mergeEntries(entry, stored)
    if (merged.last === null) return
    upsert.run(...rowOf(merged, merged.last))
    feed.write(entry.domain, entry.local)
  }

  return {
    find,
    marks: () => readMarks(database),
    poll: feed.poll,
    write: (batch, nowMs, onChanges) => {
      transaction(() => {
        onChanges(feed.read())
        for (const entry of batch.entries.values()) writeEntry(entry)
        for (const mark of batch.catchAlls.values()) {
          const { routeId, domain, isCatchAll, askedAtMs } = mark
          upsertCatchAll.run(routeId, domain, isCatchAll ? 1 : 0, askedAtMs)
        }
        for (const [routeId, isNeeded] of batch.probeSenders) {
          if (isNeeded) upsertSender.run(routeId, nowMs)
          else deleteSender.run(routeId)
        }
      })
    },
    forget: (domain, local) =>
      transaction(() => {
        const { changes: answers } = deleteRecipient.run(domain, local)
        const { changes: pins } = deletePin.run(domain, local)
        feed.write(domain, local)
        return Number(answers) + Number(pins) > 0
      }),
    pin: (domain, local, untilMs) => {
      transaction(() => {
        upsertPin.run(domain, local, untilMs)
        feed.write(domain, local)
      })
    },
    replaceList: (domain, locals, atMs) =>
      transaction(() => {
        database.prepare('DELETE FROM listed WHERE domain = ?').run(domain)
        const insert = database.prepare('INSERT OR IGNORE INTO listed VALUES (?, ?, ?)')
        let count = 0
        for (const local of locals) count += Number(insert.run(domain, local, atMs).changes)
        feed.write(domain, null)
        return count
      }),
    purge: (rules) => {
      transaction(() => {
        purge(rules)
        feed.prune()
      })
    },
    close: () => {
      database.close()
    },
  }
}

function readMarks(database: DatabaseSync): TargetMarks {
  const catchAlls = database.prepare('SELECT * FROM catch_alls').all()
  const senders = database.prepare('SELECT route FROM probe_senders').all()
  return {
    catchAlls: catchAlls.map((row) => ({
      routeId: String(row['route']),
      domain: String(row['domain']),
      isCatchAll: row['is_catch_all'] === 1,
      askedAtMs: numberColumn(row, 'asked_at_ms'),
    })),
    probeSenderRoutes: senders.map((row) => String(row['route'])),
  }
}

/** Purged rows are no changes: who holds one in memory may keep it, it ages there as well. */
function preparePurge(database: DatabaseSync): (rules: PurgeRules) => void {
  const old = database.prepare(
    `DELETE FROM recipients WHERE id IN (
      SELECT id FROM recipients WHERE checked_at_ms < ? LIMIT ${maxPurgedRows})`,
  )
  const pins = database.prepare('DELETE FROM pins WHERE until_ms < ?')
  const marks = database.prepare('DELETE FROM catch_alls WHERE asked_at_ms < ?')
  // Strangers first, then the oldest answers. 'positive' sorts after 'negative' and after null.
  const surplus = database.prepare(
    `DELETE FROM recipients WHERE id IN (
      SELECT id FROM recipients WHERE domain = ?
      ORDER BY standing = 'positive' DESC, checked_at_ms DESC LIMIT ${maxPurgedRows} OFFSET ?)`,
  )
  return ({ nowMs, keepMs, maxEntriesPerDomain, domains }) => {
    old.run(nowMs - keepMs)
    marks.run(nowMs - keepMs)
    pins.run(nowMs)
    for (const domain of domains) surplus.run(domain, maxEntriesPerDomain)
  }
}
