// A database that cannot be read as a whole is set aside for a human, and what can be read of it goes into
// a new one, so that one bad page does not stop the mail of all.

import { existsSync, renameSync } from 'node:fs'
import path from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { closeQuietly, databaseFile, openDatabase } from './database.ts'
import type { Salvage } from './messages.ts'

type Row = Readonly<Record<string, unknown>>

/** Children of an entry; without the recipients it is nothing. */
const childTables = ['recipient', 'attempt'] as const

/** Throws a SpoolError when no new database can be made; system errors when the old one stays in the way. */
export function salvageDatabase(folder: string): {
  readonly database: DatabaseSync
  readonly salvage: Salvage
} {
  const file = setAside(folder)
  const database = openDatabase(folder)
  const old = openOld(file)
  const counts = old === null ? { keptCount: 0, lostCount: 0 } : copyAll(old, database)
  closeQuietly(old ?? undefined)
  return { database, salvage: { ...counts, file } }
}

/** The log and its index keep belonging to the file: SQLite finds them by its name. */
function setAside(folder: string): string {
  const from = path.join(folder, databaseFile)
  let number = 1
  while (existsSync(`${from}.damaged-${number}`)) number += 1
  const to = `${from}.damaged-${number}`
  for (const suffix of ['', '-wal', '-shm']) {
    if (existsSync(from + suffix)) renameSync(from + suffix, to + suffix)
  }
  return to
}

function openOld(file: string): DatabaseSync | null {
  let database: DatabaseSync | undefined
  try {
    database = new DatabaseSync(file)
    database.prepare('SELECT count(*) FROM sqlite_schema').get()
    return database
  } catch {
    closeQuietly(database)
    return null
  }
}

function copyAll(
  from: DatabaseSync,
  to: DatabaseSync,
): { readonly keptCount: number; readonly lostCount: number } {
  let keptCount = 0
  let lostCount = 0
  to.exec('BEGIN IMMEDIATE')
  for (const number of entryNumbers(from)) {
    to.exec('SAVEPOINT one')
    try {
      copyEntry(from, to, number)
      to.exec('RELEASE one')
      keptCount += 1
    } catch {
      to.exec('ROLLBACK TO one; RELEASE one')
      lostCount += 1
    }
  }
  attemptTo(() => copyRows(from, to, 'order_record', 'SELECT * FROM order_record', []))
  to.exec('COMMIT')
  return { keptCount, lostCount }
}

function copyEntry(from: DatabaseSync, to: DatabaseSync, number: number): void {
  copyRows(from, to, 'entry', 'SELECT * FROM entry WHERE number = ?', [number])
  for (const table of childTables) {
    const copy = (): number =>
      copyRows(from, to, table, `SELECT * FROM ${table} WHERE entry = ?`, [number])
    if (table === 'attempt') attemptTo(copy)
    else if (copy() === 0) throw new Error('an entry without recipients')
  }
}

/** From both ends and by the other index: each finds what lies before its first bad page. */
function entryNumbers(from: DatabaseSync): readonly number[] {
  const numbers = new Set<number>()
  for (const query of [
    'SELECT number FROM entry ORDER BY number',
    'SELECT number FROM entry ORDER BY number DESC',
    'SELECT number FROM entry ORDER BY id',
    'SELECT entry AS number FROM recipient',
  ]) {
    attemptTo(() => {
      for (const row of from.prepare(query).iterate()) numbers.add(Number(row['number']))
    })
  }
  return [...numbers].sort((a, b) => a - b)
}

function copyRows(
  from: DatabaseSync,
  to: DatabaseSync,
  table: string,
  query: string,
  values: readonly number[],
): number {
  const rows: readonly Row[] = from.prepare(query).all(...values)
  for (const row of rows) {
    const columns = Object.keys(row)
    const marks = columns.map(() => '?').join(', ')
    to.prepare(`INSERT INTO ${table} (${columns.join(', ')}) VALUES (${marks})`).run(
      ...Object.values(row).map(toValue),
    )
  }
  return rows.length
}

function toValue(value: unknown): string | number | null | Uint8Array {
  return typeof value === 'string' || typeof value === 'number' || value instanceof Uint8Array
    ? value
    : null
}

/** What cannot be read stays in the old file. */
function attemptTo(work: () => unknown): void {
  try {
    work()
  } catch {
    // Counted by whoever needs all of it.
  }
}
