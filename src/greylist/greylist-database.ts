// The file greylist.db, shared by the processes of a machine: its shape and its statements. Everything here
// throws when SQLite does.

import { join } from 'node:path'
import { DatabaseSync, type SQLOutputValue } from 'node:sqlite'
import { createPrivately } from '#base/private-file.ts'
import type { RememberedNetwork, RememberedTriple } from './judge-attempt.ts'
import type { TripleKey } from './triple.ts'

export const greylistFileName = 'greylist.db'

/** How long a statement may wait for another process: it stops this process for that long. */
const busyTimeoutMs = 250
const schemaVersion = 1

const schema = `
  CREATE TABLE triples (
    key BLOB PRIMARY KEY,
    first_at_ms INTEGER NOT NULL,
    passed_at_ms INTEGER,
    seen_at_ms INTEGER NOT NULL
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX waiting_triples ON triples (seen_at_ms) WHERE passed_at_ms IS NULL;
  CREATE INDEX passed_triples ON triples (seen_at_ms) WHERE passed_at_ms IS NOT NULL;
  CREATE TABLE networks (
    network TEXT PRIMARY KEY,
    passed_count INTEGER NOT NULL,
    seen_at_ms INTEGER NOT NULL
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX networks_by_age ON networks (seen_at_ms);
`

export interface TripleRow extends RememberedTriple {
  readonly key: TripleKey
  /** What is stored does not count any more. */
  readonly isNew: boolean
}

export interface NetworkRow {
  readonly newlyPassedCount: number
  readonly seenAtMs: number
}

export interface PurgeRules {
  /** Of waiting ones the first attempt, of others the last one was before. */
  readonly waitingBeforeMs: number
  readonly passedBeforeMs: number
  readonly maxEntryCount: number
}

export interface GreylistDatabase {
  readonly findTriple: (key: TripleKey) => RememberedTriple | undefined
  readonly findNetwork: (network: string) => RememberedNetwork | undefined
  /** One transaction. `forgottenBeforeMs`: a network seen last before counts from zero. */
  readonly write: (
    triples: Iterable<TripleRow>,
    networks: Iterable<readonly [string, NetworkRow]>,
    forgottenBeforeMs: number,
  ) => void
  /** True if there is more to do: rows are deleted in portions, each of which stops the event loop. */
  readonly purge: (rules: PurgeRules) => boolean
  readonly close: () => void
}

const maxPurgedRows = 2000

/**
 * `folder` null: in memory. WAL with synchronous=NORMAL: it is a memory that may be lost, and a loss of the
 * last second only makes somebody wait once more.
 */
export function openGreylistDatabase(folder: string | null): GreylistDatabase {
  const path = folder === null ? ':memory:' : join(folder, greylistFileName)
  if (folder !== null) createPrivately(folder, path)
  return prepared(path, busyTimeoutMs, statementsOf)
}

/** `prepare`: makes the statements. */
export function prepared<Statements>(
  path: string,
  timeoutMs: number,
  prepare: (database: DatabaseSync) => Statements,
): Statements {
  const database = new DatabaseSync(path, { timeout: timeoutMs })
  try {
    database.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL')
    migrate(database)
    return prepare(database)
  } catch (error) {
    database.close()
    throw error
  }
}

function migrate(database: DatabaseSync): void {
  if (versionOf(database) === schemaVersion) return
  inTransaction(database, () => {
    const version = versionOf(database) // another process may have been faster
    if (version > schemaVersion) throw new Error('it was written by a newer version of pforte')
    if (version === 0) database.exec(`${schema}; PRAGMA user_version = ${schemaVersion}`)
  })
}

function versionOf(database: DatabaseSync): number {
  return Number(database.prepare('PRAGMA user_version').get()?.['user_version'] ?? 0)
}

function statementsOf(database: DatabaseSync): GreylistDatabase {
  const selectTriple = database.prepare('SELECT * FROM triples WHERE key = ?')
  const selectNetwork = database.prepare('SELECT * FROM networks WHERE network = ?')
  const replaceTriple = database.prepare('INSERT OR REPLACE INTO triples VALUES (?, ?, ?, ?)')
  // Another process may have seen the same triple: nobody waits longer for it, and what passed has passed.
  const mergeTriple = database.prepare(`
    INSERT INTO triples VALUES (?, ?, ?, ?) ON CONFLICT (key) DO UPDATE SET
      first_at_ms = min(first_at_ms, excluded.first_at_ms),
      passed_at_ms = coalesce(passed_at_ms, excluded.passed_at_ms),
      seen_at_ms = max(seen_at_ms, excluded.seen_at_ms)`)
  const mergeNetwork = database.prepare(`
    INSERT INTO networks VALUES (?, ?, ?) ON CONFLICT (network) DO UPDATE SET
      passed_count = iif(seen_at_ms < ?, 0, passed_count) + excluded.passed_count,
      seen_at_ms = max(seen_at_ms, excluded.seen_at_ms)`)
  return {
    findTriple: (key) => {
      const row = selectTriple.get(key)
      return row === undefined ? undefined : tripleFrom(row)
    },
    findNetwork: (network) => {
      const row = selectNetwork.get(network)
      if (row === undefined) return undefined
      return { passedCount: Number(row['passed_count']), seenAtMs: Number(row['seen_at_ms']) }
    },
    write: (triples, networks, forgottenBeforeMs) =>
      inTransaction(database, () => {
        for (const { key, firstAtMs, passedAtMs, seenAtMs, isNew } of triples) {
          const statement = isNew ? replaceTriple : mergeTriple
          statement.run(key, firstAtMs, passedAtMs, seenAtMs)
        }
        for (const [network, { newlyPassedCount, seenAtMs }] of networks) {
          mergeNetwork.run(network, newlyPassedCount, seenAtMs, forgottenBeforeMs)
        }
      }),
    purge: preparePurge(database),
    close: () => database.close(),
  }
}

function preparePurge(database: DatabaseSync): GreylistDatabase['purge'] {
  const oldWaiting = database.prepare(`DELETE FROM triples WHERE key IN (SELECT key FROM triples
    WHERE passed_at_ms IS NULL AND seen_at_ms < ? ORDER BY seen_at_ms LIMIT ?)`)
  const oldPassed = database.prepare(`DELETE FROM triples WHERE key IN (SELECT key FROM triples
    WHERE passed_at_ms IS NOT NULL AND seen_at_ms < ? ORDER BY seen_at_ms LIMIT ?)`)
  const oldNetworks = database.prepare(`DELETE FROM networks WHERE network IN
    (SELECT network FROM networks WHERE seen_at_ms < ? ORDER BY seen_at_ms LIMIT ?)`)
  const countTriples = database.prepare('SELECT count(*) AS value FROM triples')
  const countNetworks = database.prepare('SELECT count(*) AS value FROM networks')
  return ({ waitingBeforeMs, passedBeforeMs, maxEntryCount }) =>
    inTransaction(database, () => {
      const limit = maxPurgedRows
      const deleted = [
        oldWaiting.run(waitingBeforeMs, limit).changes,
        oldPassed.run(passedBeforeMs, limit).changes,
        oldNetworks.run(passedBeforeMs, limit).changes,
      ]
      // Too many: those that wait go first, for a flood of them must not push out what is known to be good.
      const excess = Math.min(limit, Number(countTriples.get()?.['value']) - maxEntryCount)
      if (excess > 0) {
        const waiting = Number(oldWaiting.run(Number.MAX_SAFE_INTEGER, excess).changes)
        oldPassed.run(Number.MAX_SAFE_INTEGER, excess - waiting)
        deleted.push(excess)
      }
      const networks = Math.min(limit, Number(countNetworks.get()?.['value']) - maxEntryCount)
      if (networks > 0) deleted.push(oldNetworks.run(Number.MAX_SAFE_INTEGER, networks).changes)
      return deleted.some((count) => Number(count) >= limit)
    })
}

export function tripleFrom(row: Readonly<Record<string, SQLOutputValue>>): RememberedTriple {
  const passedAtMs = row['passed_at_ms']
  return {
    firstAtMs: Number(row['first_at_ms']),
    passedAtMs: typeof passedAtMs === 'number' ? passedAtMs : null,
    seenAtMs: Number(row['seen_at_ms']),
  }
}

function inTransaction<Value>(database: DatabaseSync, work: () => Value): Value {
  database.exec('BEGIN IMMEDIATE')
  try {
    const value = work()
    database.exec('COMMIT')
    return value
  } catch (error) {
    if (database.isTransaction) database.exec('ROLLBACK')
    throw error
  }
}
