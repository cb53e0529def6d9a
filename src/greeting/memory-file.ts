// The file greeting.db: clients that have passed. Everything here throws when SQLite does.

import { join } from 'node:path'
import { DatabaseSync, type SQLOutputValue } from 'node:sqlite'
import { createPrivately } from '#base/private-file.ts'
import type { Passes } from './memory.ts'

export const memoryFileName = 'greeting.db'

export interface MemoryFile {
  /** Null: not there, or none of it counts any more. */
  readonly find: (key: string, nowMs: number) => Passes | null
  /** One transaction. What another process knows for longer stays. */
  readonly write: (passes: ReadonlyMap<string, Passes>) => void
  /** Removes what does not count any more and, of more than `maxCount`, what ends first. */
  readonly purge: (nowMs: number, maxCount: number) => void
  readonly close: () => void
}

/** How long a statement may wait for another process: it stops this process for that long. */
const busyTimeoutMs = 100
/** Deleted in one go: that stops the event loop for as long as it takes. */
const maxPurgedRows = 5000

/** Each one brings the file from the version of its index to the next (PRAGMA user_version). */
const migrations: readonly string[] = [
  `
  CREATE TABLE passed (
    client TEXT PRIMARY KEY,
    pregreet_until_ms INTEGER NOT NULL,
    dnsbl_until_ms INTEGER NOT NULL,
    until_ms INTEGER NOT NULL
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX passed_by_end ON passed (until_ms);
  `,
]

/** `folder` null: in memory. WAL with synchronous=NORMAL: what the last second brought may be lost. */
export function openMemoryFile(folder: string | null): MemoryFile {
  const path = folder === null ? ':memory:' : join(folder, memoryFileName)
  if (folder !== null) createPrivately(folder, path)
  const database = new DatabaseSync(path, { timeout: busyTimeoutMs })
  try {
    database.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL')
    migrate(database)
    return memoryFile(database)
  } catch (error) {
    database.close()
    throw error
  }
}

function memoryFile(database: DatabaseSync): MemoryFile {
  const select = database.prepare('SELECT * FROM passed WHERE client = ?')
  const upsert = database.prepare(`
    INSERT INTO passed VALUES (?, ?, ?, ?) ON CONFLICT (client) DO UPDATE SET
    pregreet_until_ms = max(pregreet_until_ms, excluded.pregreet_until_ms),
    dnsbl_until_ms = max(dnsbl_until_ms, excluded.dnsbl_until_ms),
    until_ms = max(until_ms, excluded.until_ms)`)
  const removeOld = database.prepare(
    `DELETE FROM passed WHERE client IN
      (SELECT client FROM passed WHERE until_ms < ? LIMIT ${maxPurgedRows})`,
  )
  const count = database.prepare('SELECT count(*) AS value FROM passed')
  const removeFirst = database.prepare(
    'DELETE FROM passed WHERE client IN (SELECT client FROM passed ORDER BY until_ms LIMIT ?)',
  )
  return {
    find: (key, nowMs) => {
      const row = select.get(key)
      if (row === undefined || numberOf(row['until_ms']) < nowMs) return null
      return {
        pregreetUntilMs: numberOf(row['pregreet_until_ms']),
        dnsblUntilMs: numberOf(row['dnsbl_until_ms']),
      }
    },
    write: (passes) =>
      transaction(database, () => {
        for (const [key, { pregreetUntilMs, dnsblUntilMs }] of passes) {
          const times = [pregreetUntilMs, dnsblUntilMs].map(Math.round)
          upsert.run(key, times[0] ?? 0, times[1] ?? 0, Math.max(...times))
        }
      }),
    purge: (nowMs, maxCount) =>
      transaction(database, () => {
        removeOld.run(nowMs)
        const surplus = numberOf(count.get()?.['value']) - maxCount
        if (surplus > 0) removeFirst.run(Math.min(surplus, maxPurgedRows))
      }),
    close: () => database.close(),
  }
}

function transaction(database: DatabaseSync, work: () => void): void {
  database.exec('BEGIN IMMEDIATE')
  try {
    work()
    database.exec('COMMIT')
  } catch (error) {
    if (database.isTransaction) database.exec('ROLLBACK')
    throw error
  }
}

function migrate(database: DatabaseSync): void {
  const version = (): number =>
    numberOf(database.prepare('PRAGMA user_version').get()?.['user_version'])
  if (version() === migrations.length) return
  transaction(database, () => {
    if (version() > migrations.length) {
      throw new Error(`${memoryFileName} was written by a newer version of pforte`)
    }
    for (const migration of migrations.slice(version())) database.exec(migration)
    database.exec(`PRAGMA user_version = ${migrations.length}`)
  })
}

function numberOf(value: SQLOutputValue | undefined): number {
  return typeof value === 'number' ? value : 0
}
