// The schema of spool.db and how older versions become the current one. `PRAGMA user_version` says which
// one a file has; entry n of the list leads from version n to version n + 1.

import type { DatabaseSync } from 'node:sqlite'

/** 'Pfsp': tells our file from any other SQLite database (`file spool.db` shows it). */
const applicationId = 0x50667370

export const migrations: readonly ((database: DatabaseSync) => void)[] = [createTables]

/**
 * `entry.number` is the order of arrival. `prefix` is the last column, so that the others are read without
 * it. `prefix` and the content file together are the content in wire form; `crc` is over both.
 * `entry_figures` is for the stats, which would otherwise touch a page for each content. In `recipient`,
 * `held_since_ms` NULL means waiting; the index on those is what leases come from. `age_from_ms` is when its
 * time to live began: when it was received, or released from the hold. `attempt.recipients` is not kept:
 * the replies that concern one recipient are with it.
 */
function createTables(database: DatabaseSync): void {
  database.exec(`
    CREATE TABLE entry (
      number INTEGER PRIMARY KEY,
      id TEXT NOT NULL UNIQUE,
      reverse_path TEXT NOT NULL,
      is_smtp_utf8 INTEGER NOT NULL,
      is_8bit_mime INTEGER NOT NULL,
      client_address TEXT NOT NULL,
      greeting_name TEXT NOT NULL,
      received_at_ms INTEGER NOT NULL,
      size_bytes INTEGER NOT NULL,
      has_file INTEGER NOT NULL,
      file_offset INTEGER NOT NULL,
      crc INTEGER NOT NULL,
      prefix BLOB NOT NULL
    ) STRICT;
    CREATE INDEX entry_figures ON entry (number, received_at_ms, size_bytes);
    CREATE TABLE recipient (
      entry INTEGER NOT NULL REFERENCES entry (number) ON DELETE CASCADE,
      position INTEGER NOT NULL,
      address TEXT NOT NULL,
      domain TEXT NOT NULL,
      moved_to TEXT,
      next_attempt_ms INTEGER NOT NULL,
      held_since_ms INTEGER,
      hold_reason TEXT,
      attempt_count INTEGER NOT NULL,
      last_attempt_ms INTEGER,
      reply TEXT NOT NULL,
      age_from_ms INTEGER NOT NULL,
      PRIMARY KEY (entry, position)
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX recipient_due ON recipient (domain, next_attempt_ms, entry)
      WHERE held_since_ms IS NULL;
    CREATE INDEX recipient_held ON recipient (domain, held_since_ms)
      WHERE held_since_ms IS NOT NULL;
    CREATE TABLE attempt (
      number INTEGER PRIMARY KEY,
      entry INTEGER NOT NULL REFERENCES entry (number) ON DELETE CASCADE,
      at_ms INTEGER NOT NULL,
      domain TEXT NOT NULL,
      server TEXT NOT NULL,
      address TEXT,
      tls TEXT,
      outcome TEXT NOT NULL,
      reply TEXT NOT NULL,
      took_ms REAL NOT NULL
    ) STRICT;
    CREATE INDEX attempt_entry ON attempt (entry);
    CREATE TABLE order_record (
      number INTEGER PRIMARY KEY,
      at_ms INTEGER NOT NULL,
      by TEXT NOT NULL,
      kind TEXT NOT NULL,
      reason TEXT NOT NULL,
      id TEXT NOT NULL,
      recipients TEXT NOT NULL,
      detail TEXT NOT NULL
    ) STRICT;
    CREATE INDEX order_record_id ON order_record (id);
  `)
}

export type SchemaProblem = 'foreign' | 'newer'

/** What a file is, seen from this version of the program. `empty`: nothing has been made in it yet. */
export function schemaState(
  database: DatabaseSync,
  steps: readonly ((database: DatabaseSync) => void)[] = migrations,
): SchemaProblem | 'empty' | 'older' | 'current' {
  const version = integerOf(database, 'SELECT user_version AS value FROM pragma_user_version')
  const tables = integerOf(database, 'SELECT count(*) AS value FROM sqlite_schema')
  if (version === 0 && tables === 0) return 'empty'
  const id = integerOf(database, 'SELECT application_id AS value FROM pragma_application_id')
  if (id !== applicationId) return 'foreign'
  if (version > steps.length) return 'newer'
  return version < steps.length ? 'older' : 'current'
}

/**
 * Brings the database to the current version, all or nothing. Gives why it does not: it is of something
 * else, or was written by a newer Pforte. Foreign keys are on afterwards.
 */
export function migrate(
  database: DatabaseSync,
  steps: readonly ((database: DatabaseSync) => void)[] = migrations,
): SchemaProblem | null {
  // Possible in a file without tables only: room of mails that are gone can be given back.
  if (schemaState(database, steps) === 'empty') database.exec('PRAGMA auto_vacuum = INCREMENTAL')
  database.exec('BEGIN IMMEDIATE')
  try {
    const state = schemaState(database, steps)
    if (state === 'empty' || state === 'older') {
      const version = integerOf(database, 'SELECT user_version AS value FROM pragma_user_version')
      for (const step of steps.slice(version)) step(database)
      database.exec(`PRAGMA application_id = ${applicationId}`)
      database.exec(`PRAGMA user_version = ${steps.length}`)
    }
    database.exec('COMMIT')
    return state === 'foreign' || state === 'newer' ? state : null
  } finally {
    if (database.isTransaction) database.exec('ROLLBACK')
  }
}

function integerOf(database: DatabaseSync, query: string): number {
  const value = database.prepare(query).get()?.['value']
  return typeof value === 'number' ? value : 0
}
