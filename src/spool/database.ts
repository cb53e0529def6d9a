// Opens spool.db so that a commit that returns is on the disk, and tells what its errors mean.

import { closeSync, existsSync, fsyncSync, openSync, readSync } from 'node:fs'
import path from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { createPrivately } from '#base/private-file.ts'
import { migrate } from './schema.ts'
import { SpoolError } from './spool.ts'

export const databaseFile = 'spool.db'

/** A person's order holds the write lock for milliseconds; whoever waits this long has another problem. */
const lockWaitMs = 5000
/** Of the write-ahead log after a checkpoint; it may be longer meanwhile. */
const walLimitBytes = 64 * 1024 * 1024

/**
 * Opens and if need be creates and migrates spool.db in `folder`. What a crash left in the write-ahead
 * log is brought into the database and synced first: nothing is ever written behind log frames whose
 * sync may have failed. Throws a SpoolError.
 */
export function openDatabase(folder: string): DatabaseSync {
  const file = path.join(folder, databaseFile)
  let database: DatabaseSync | undefined
  try {
    createPrivately(folder, file)
    syncFolder(folder)
    database = new DatabaseSync(file, { timeout: lockWaitMs })
    database.exec('PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON')
    const problem = migrate(database)
    if (problem === 'foreign') {
      throw new SpoolError('invalid', `${file} is a database, but not a spool of Pforte`)
    }
    if (problem === 'newer') {
      throw new SpoolError('invalid', `${file} was written by a newer Pforte: run that one`)
    }
    // The checkpoints are ours, so that a failing one is seen.
    database.exec(
      `PRAGMA journal_mode = WAL; PRAGMA wal_autocheckpoint = 0; PRAGMA journal_size_limit = ${walLimitBytes}`,
    )
    checkpoint(database, 'TRUNCATE')
    syncFolder(folder)
    return database
  } catch (error) {
    closeQuietly(database)
    throw spoolErrorOf(error, `cannot open ${file}`)
  }
}

/** Brings the write-ahead log into the database. Throws the database's error; busy readers are none. */
export function checkpoint(database: DatabaseSync, mode: 'PASSIVE' | 'TRUNCATE'): void {
  database.exec(`PRAGMA wal_checkpoint(${mode})`)
}

/** Reads all of the database and its log. Throws a SpoolError `io` when the disk does not give them. */
export function readThrough(folder: string): void {
  const buffer = Buffer.allocUnsafe(1024 * 1024)
  for (const name of [databaseFile, `${databaseFile}-wal`]) {
    const file = path.join(folder, name)
    if (!existsSync(file)) continue
    try {
      const descriptor = openSync(file, 'r')
      try {
        while (readSync(descriptor, buffer) > 0);
      } finally {
        closeSync(descriptor)
      }
    } catch (error) {
      throw spoolErrorOf(error, `cannot read ${file}`)
    }
  }
}

export function closeQuietly(database: DatabaseSync | undefined): void {
  try {
    if (database?.isOpen === true) database.close()
  } catch {
    // A database whose disk fails cannot be closed properly: the reason has been told before.
  }
}

/**
 * Primary result codes (sqlite.org/rescode.html). `SpoolError.kind` also says whether what was begun has
 * certainly not been written: after `full` and `invalid` it has not, and after a busy lock neither.
 */
export function spoolErrorOf(error: unknown, what: string): SpoolError {
  if (error instanceof SpoolError) return error
  const text = error instanceof Error ? error.message : String(error)
  return new SpoolError(kindOf(error), `${what}: ${text}`)
}

/** Nothing was written, and nothing is wrong with the disk: the next transaction may do. */
export function isHarmless(error: unknown): boolean {
  const code = resultCode(error)
  return (
    code === 5 || code === 6 || code === 13 || code === 18 || (code === 19 && !isKeyTaken(error))
  )
}

/** A key that we have just drawn is taken: there are rows that we do not see. */
function isKeyTaken(error: unknown): boolean {
  const primaryKeyCodes: readonly unknown[] = [1555, 2579]
  return error instanceof Error && 'errcode' in error && primaryKeyCodes.includes(error.errcode)
}

function kindOf(error: unknown): SpoolError['kind'] {
  const code = resultCode(error)
  if (code === null) {
    const system = error instanceof Error && 'code' in error ? error.code : null
    if (system === 'ENOSPC' || system === 'EDQUOT') return 'full'
    return typeof system === 'string' && /^E[A-Z]+$/.test(system) ? 'io' : 'internal'
  }
  switch (code) {
    case 5: // busy
    case 6: // locked
    case 8: // read-only
    case 10: // input or output
    case 14: // cannot open
      return 'io'
    case 13:
      return 'full'
    case 11: // corrupt
    case 26: // not a database
      return 'damaged'
    case 18: // too big
      return 'invalid'
    case 19: // constraint
      return isKeyTaken(error) ? 'damaged' : 'invalid'
    default:
      return 'internal'
  }
}

/** Primary result code; null: not an error of SQLite. */
export function resultCode(error: unknown): number | null {
  return error instanceof Error && 'errcode' in error && typeof error.errcode === 'number'
    ? error.errcode & 0xff
    : null
}

/** The names in a folder are durable on return. Throws the system's error. */
export function syncFolder(folder: string): void {
  const descriptor = openSync(folder, 'r')
  try {
    fsyncSync(descriptor)
  } finally {
    closeSync(descriptor)
  }
}
