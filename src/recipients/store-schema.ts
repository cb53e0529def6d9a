// The file recipients.db: how it is opened, and what is in it.
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { createPrivately } from '#base/private-file.ts'

export const storeFileName = 'recipients.db'

/** How long a statement may wait for another process: it stops this process for that long. */
const busyTimeoutMs = 250

/** Each one brings the file from the version of its index to the next (PRAGMA user_version). */
const migrations: readonly string[] = [
  `
  CREATE TABLE recipients (
    id INTEGER PRIMARY KEY,
    domain TEXT NOT NULL,
    local TEXT NOT NULL,
    standing TEXT CHECK (standing IN ('positive', 'negative')),
    standing_at_ms INTEGER,
    standing_route TEXT,
    negative_server TEXT,
    negative_code INTEGER,
    negative_status TEXT,
    negative_text TEXT,
    refused_at_ms INTEGER,
    outcome TEXT NOT NULL,
    source TEXT NOT NULL,
    reply TEXT NOT NULL,
    stage TEXT NOT NULL,
    hop_server TEXT NOT NULL,
    hop_address TEXT,
    hop_port INTEGER NOT NULL,
    hop_tls TEXT,
    checked_at_ms INTEGER NOT NULL,
    took_ms REAL NOT NULL,
    UNIQUE (domain, local)
  ) STRICT;
  CREATE INDEX recipients_by_age ON recipients (checked_at_ms);
  CREATE INDEX recipients_by_domain ON recipients (domain, standing, checked_at_ms);
  CREATE TABLE pins (
    domain TEXT NOT NULL,
    local TEXT NOT NULL,
    until_ms INTEGER NOT NULL,
    PRIMARY KEY (domain, local)
  ) STRICT, WITHOUT ROWID;
  CREATE TABLE listed (
    domain TEXT NOT NULL,
    local TEXT NOT NULL,
    listed_at_ms INTEGER NOT NULL,
    PRIMARY KEY (domain, local)
  ) STRICT, WITHOUT ROWID;
  -- What was found out about a target by asking; a yes of a catch-all target says little.
  CREATE TABLE catch_alls (
    route TEXT NOT NULL,
    domain TEXT NOT NULL,
    is_catch_all INTEGER NOT NULL,
    asked_at_ms INTEGER NOT NULL,
    PRIMARY KEY (route, domain)
  ) STRICT, WITHOUT ROWID;
  -- Targets that refuse the null reverse-path of a question.
  CREATE TABLE probe_senders (route TEXT PRIMARY KEY, since_ms INTEGER NOT NULL) STRICT;
  -- Who changed which address, so that other processes drop what they hold in memory. A change
  -- without a local part concerns the whole domain.
  CREATE TABLE changes (
    sequence INTEGER PRIMARY KEY AUTOINCREMENT,
    writer TEXT NOT NULL,
    domain TEXT NOT NULL,
    local TEXT
  ) STRICT;
  `,
]

/**
 * Opens or creates the file in `folder` (null: a database in memory) and brings it up to date. WAL with synchronous=NORMAL: it is a
 * cache, and losing the last second only means asking again. Throws when the file cannot be used or
 * was written by a newer version.
 */
export function openStoreFile(folder: string | null): DatabaseSync {
  const path = folder === null ? ':memory:' : join(folder, storeFileName)
  if (folder !== null) createPrivately(folder, path)
  const database = new DatabaseSync(path, { timeout: busyTimeoutMs })
  try {
    database.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL')
    migrate(database)
    return database
  } catch (error) {
    database.close()
    throw error
  }
}

function migrate(database: DatabaseSync): void {
  if (userVersion(database) === migrations.length) return
  database.exec('BEGIN IMMEDIATE')
  try {
    const version = userVersion(database) // another process may have been faster
    if (version > migrations.length) {
      throw new Error(`${storeFileName} was written by a newer version of pforte`)
    }
    for (const migration of migrations.slice(version)) database.exec(migration)
    database.exec(`PRAGMA user_version = ${migrations.length}; COMMIT`)
  } catch (error) {
    if (database.isTransaction) database.exec('ROLLBACK')
    throw error
  }
}

function userVersion(database: DatabaseSync): number {
  return Number(database.prepare('PRAGMA user_version').get()?.['user_version'] ?? 0)
}
