// Opens spool.db for people's tools, beside the relay or without it. Never creates one.

import path from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { isThere } from '#base/is-there.ts'
import { closeQuietly, databaseFile, spoolErrorOf } from './database.ts'
import { findOwner } from './owner.ts'
import { migrate, schemaState } from './schema.ts'
import { SpoolError } from './spool.ts'

/** A running relay holds the write lock for as long as its disk needs for one group of mails. */
const lockWaitMs = 5000

/** Null: there is no spool yet. Throws a SpoolError. */
export function openToolDatabase(folder: string): DatabaseSync | null {
  const file = path.join(folder, databaseFile)
  let database: DatabaseSync | undefined
  try {
    if (!isThere(file)) return null
    database = new DatabaseSync(file, { timeout: lockWaitMs })
    // Checkpoints are the relay's, which sees a failing one.
    database.exec(
      `PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON; PRAGMA temp_store = MEMORY;
       PRAGMA wal_autocheckpoint = 0`,
    )
    if (isUsable(database, file, folder)) return database
    database.close()
    return null
  } catch (error) {
    closeQuietly(database)
    throw spoolErrorOf(error, `cannot open ${file}`)
  }
}

function isUsable(database: DatabaseSync, file: string, folder: string): boolean {
  const state = schemaState(database)
  switch (state) {
    case 'current':
      return true
    case 'empty':
      return false
    case 'foreign':
      throw new SpoolError('damaged', `${file} is a database, but not a spool of Pforte`)
    case 'newer':
      throw new SpoolError('damaged', `${file} was written by a newer Pforte: run that one`)
    case 'older':
      if (findOwner(folder) !== null) {
        throw new SpoolError('invalid', `an older Pforte has ${file} open: restart the relay first`)
      }
      return migrate(database) === null
  }
}
