// A database that cannot be read as a whole is set aside for a human, and what can be read of it goes into
// a new one, so that one bad page does not stop the mail of all. The old files stay where they are until
// the new one is complete and synced: whoever is killed meanwhile, or meets a full disk, begins again.

import { existsSync, linkSync, mkdirSync, readdirSync, renameSync, rmSync, statSync } from 'node:fs'
import path from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { createPrivately } from '#base/private-file.ts'
import { closeQuietly, databaseFile, spoolErrorOf, syncFolder } from './database.ts'
import type { Salvage } from './messages.ts'
import { migrate, migrations } from './schema.ts'
import { copyReadable } from './salvage-rows.ts'

/** SQLite finds the log and its index by the name of the file. */
const companions = ['-wal', '-shm'] as const

/**
 * Replaces the database, which nobody has open, by one with all that can be read of it. The old one is
 * kept with the content files whose entries could not be read. Throws a SpoolError; then all is as it was.
 */
export function salvageDatabase(folder: string): Salvage {
  const file = path.join(folder, databaseFile)
  try {
    const { filedIds, ...counts } = build(folder, file)
    const kept = keep(folder, file, filedIds)
    renameSync(`${file}.salvaging`, `${file}.salvaged`)
    finishSalvage(folder)
    return { ...counts, file: kept }
  } catch (error) {
    throw spoolErrorOf(error, `cannot salvage ${file}`)
  }
}

/** Puts a database that has been built in its place, also after a crash. Throws a SpoolError. */
export function finishSalvage(folder: string): void {
  const file = path.join(folder, databaseFile)
  try {
    if (!existsSync(`${file}.salvaged`)) return
    syncFolder(folder)
    for (const suffix of companions) rmSync(file + suffix, { force: true })
    syncFolder(folder) // or the new database would be found beside the old one's log
    renameSync(`${file}.salvaged`, file)
    syncFolder(folder)
  } catch (error) {
    throw spoolErrorOf(error, `cannot replace ${file}`)
  }
}

/** There is no database where one has been: its log or contents are there. */
export function isEmptied(folder: string): boolean {
  const file = path.join(folder, databaseFile)
  if (sizeOf(file) > 0) return false
  return sizeOf(`${file}-wal`) > 0 || contentFiles(folder).length > 0
}

function build(
  folder: string,
  file: string,
): Omit<Salvage, 'file'> & { readonly filedIds: ReadonlySet<string> } {
  const built = `${file}.salvaging`
  for (const suffix of ['', '-journal', ...companions]) rmSync(built + suffix, { force: true })
  createPrivately(folder, built)
  const old = openOld(file)
  const database = new DatabaseSync(built)
  try {
    database.exec('PRAGMA journal_mode = MEMORY; PRAGMA synchronous = FULL')
    // As the old one is, so that its rows fit.
    migrate(database, migrations.slice(0, versionOf(old)))
    database.exec('PRAGMA foreign_keys = ON')
    const counts = old === null ? { keptCount: 0, lostCount: 0 } : copyReadable(old, database)
    migrate(database)
    const filed = database.prepare('SELECT id FROM entry WHERE has_file = 1').all()
    return { ...counts, filedIds: new Set(filed.map(({ id }) => String(id))) }
  } finally {
    closeQuietly(old ?? undefined)
    database.close()
  }
}

/**
 * Null: nothing can be read. To read it changes neither the file nor its log; `writable_schema` is what
 * makes SQLite read the rest of a file that is shorter than its header says.
 */
function openOld(file: string): DatabaseSync | null {
  if (sizeOf(file) === 0) return null
  let database: DatabaseSync | undefined
  try {
    database = new DatabaseSync(file, { readOnly: true, defensive: false })
    database.exec('PRAGMA writable_schema = ON')
    database.prepare('SELECT count(*) FROM sqlite_schema').get()
    return database
  } catch {
    closeQuietly(database)
    return null
  }
}

function versionOf(old: DatabaseSync | null): number {
  const version = Number(old?.prepare('PRAGMA user_version').get()?.['user_version'])
  return version >= 1 && version <= migrations.length ? version : migrations.length
}

/** Second names for the old files: they stay when the first ones go. Gives that of the database. */
function keep(folder: string, file: string, filedIds: ReadonlySet<string>): string {
  let number = 1
  while (readdirSync(folder).some((name) => name.startsWith(damagedName(number)))) number += 1
  const kept = path.join(folder, damagedName(number))
  for (const suffix of ['', '-wal']) {
    if (existsSync(file + suffix)) linkSync(file + suffix, kept + suffix)
  }
  const lost = contentFiles(folder).filter((id) => !filedIds.has(id))
  if (lost.length > 0) {
    mkdirSync(`${kept}-content`, { mode: 0o700 })
    for (const id of lost)
      linkSync(path.join(folder, 'content', id), path.join(`${kept}-content`, id))
    syncFolder(`${kept}-content`)
  }
  return kept
}

function damagedName(number: number): string {
  return `${databaseFile}.damaged-${number}`
}

function contentFiles(folder: string): readonly string[] {
  const content = path.join(folder, 'content')
  return existsSync(content) ? readdirSync(content) : []
}

function sizeOf(file: string): number {
  return statSync(file, { throwIfNoEntry: false })?.size ?? 0
}
