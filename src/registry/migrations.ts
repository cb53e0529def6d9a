// The schema of registry.db and how older versions become the current one. `PRAGMA user_version`
// says which one a file has; entry n of the list leads from version n to version n + 1.

import type { DatabaseSync } from 'node:sqlite'
import { RegistryOpenError } from './errors.ts'

export type Migration = (database: DatabaseSync, nowMs: number) => void

/** 'Pfrt': tells our file from any other SQLite database (`file registry.db` shows it). */
const applicationId = 0x50667274

export const migrations: readonly Migration[] = [createServedDomains, addMeasured]

/** The document is what `pforte domain export` prints, so a row can be read and mended by hand. */
function createServedDomains(database: DatabaseSync): void {
  database.exec(`
    CREATE TABLE served_domain (
      domain TEXT NOT NULL PRIMARY KEY,
      document TEXT NOT NULL,
      suspended_at_ms INTEGER,
      created_at_ms INTEGER NOT NULL,
      changed_at_ms INTEGER NOT NULL
    ) STRICT, WITHOUT ROWID
  `)
}

/** Null, or a MeasuredProfile as JSON. Not in the document: a measurement is no order of the operator's. */
function addMeasured(database: DatabaseSync): void {
  database.exec('ALTER TABLE served_domain ADD COLUMN measured TEXT')
}

/**
 * Brings the database to the version of `steps`, all or nothing, and records when. Safe when several
 * processes open a new file at once: the second waits for the first and finds nothing to do.
 * Throws RegistryOpenError for a newer version and for a database of something else.
 */
export function migrate(
  database: DatabaseSync,
  steps: readonly Migration[],
  path: string,
  nowMs: number,
): void {
  if (versionOf(database) === steps.length && applicationIdOf(database) === applicationId) return
  database.exec('BEGIN IMMEDIATE')
  try {
    const version = versionOf(database)
    refuseUnknown(database, version, steps.length, path)
    if (version === 0) createHistory(database)
    for (const [index, step] of steps.entries()) {
      if (index < version) continue
      step(database, nowMs)
      database.prepare('INSERT INTO migration VALUES (?, ?)').run(index + 1, nowMs)
    }
    database.exec(`PRAGMA user_version = ${steps.length}`)
    database.exec('COMMIT')
  } catch (error) {
    if (database.isTransaction) database.exec('ROLLBACK')
    throw error
  }
}

function createHistory(database: DatabaseSync): void {
  database.exec(`PRAGMA application_id = ${applicationId}`)
  database.exec(
    'CREATE TABLE migration (version INTEGER PRIMARY KEY, applied_at_ms INTEGER NOT NULL) STRICT',
  )
}

function refuseUnknown(database: DatabaseSync, version: number, known: number, path: string): void {
  const isNew =
    version === 0 && integerOf(database, 'SELECT count(*) AS value FROM sqlite_schema') === 0
  if (!isNew && applicationIdOf(database) !== applicationId) {
    throw new RegistryOpenError('foreign', `${path} is a database, but not a registry of Pforte`)
  }
  if (version > known) {
    throw new RegistryOpenError(
      'newer',
      `the registry ${path} has version ${version}, this Pforte knows versions up to ${known}: ` +
        'run the Pforte that wrote it, or a newer one',
    )
  }
}

function versionOf(database: DatabaseSync): number {
  return integerOf(database, 'SELECT user_version AS value FROM pragma_user_version')
}

function applicationIdOf(database: DatabaseSync): number {
  return integerOf(database, 'SELECT application_id AS value FROM pragma_application_id')
}

function integerOf(database: DatabaseSync, query: string): number {
  const value = database.prepare(query).get()?.['value']
  return typeof value === 'number' ? value : 0
}
