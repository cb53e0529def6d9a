// One process owns a spool. The lock is SQLite's on a file of its own, so the system takes it away with
// the process, however that ends; a text beside it says who has it.

import { readFileSync, renameSync, writeFileSync } from 'node:fs'
import { hostname } from 'node:os'
import path from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { createPrivately } from '#base/private-file.ts'
import { closeQuietly, resultCode, spoolErrorOf } from './database.ts'
import { SpoolError } from './spool.ts'
import type { SpoolOwner } from './spool-tools.ts'

const ownerText = 'owner.json'

/** A tool that looks who has the spool holds its lock for a moment. */
const waitMs = 1000

/** Takes the spool in `folder`, which exists. Throws a SpoolError that names the owner, if there is one. */
export function takeOwnership(folder: string, nowMs: number): Disposable {
  const lock = tryLock(folder, 'BEGIN EXCLUSIVE', waitMs)
  if (lock === null) throw new SpoolError('stopped', ownedMessage(folder, readText(folder)))
  try {
    writeText(folder, { pid: process.pid, host: hostname(), sinceMs: nowMs })
  } catch (error) {
    lock.close()
    throw spoolErrorOf(error, `cannot write who owns the spool ${folder}`)
  }
  return { [Symbol.dispose]: () => closeQuietly(lock) }
}

/** The process that has the spool now, or null. Creates nothing. */
export function findOwner(folder: string): SpoolOwner | null {
  const text = readText(folder)
  if (text === null) return null // it is written by whoever locks
  const lock = tryLock(folder, 'BEGIN; SELECT * FROM sqlite_schema', 0)
  lock?.close()
  return lock === null ? text : null
}

/** Null: another process has it. */
function tryLock(folder: string, how: string, timeout: number): DatabaseSync | null {
  const file = path.join(folder, 'owner.db')
  let database: DatabaseSync | undefined
  try {
    // To close a file that is there would take away this process's own lock on it (fcntl(2)).
    createPrivately(folder, file)
    database = new DatabaseSync(file, { timeout })
    // The journal of a database that nobody writes to is in memory: the lock is all that is wanted.
    database.exec(`PRAGMA journal_mode = MEMORY; ${how}`)
    return database
  } catch (error) {
    closeQuietly(database)
    if (resultCode(error) === 5) return null // busy
    throw spoolErrorOf(error, `cannot lock ${file}`)
  }
}

/** At once, so that nobody reads half of it. Throws the system's error. */
function writeText(folder: string, owner: SpoolOwner): void {
  const temporary = path.join(folder, `${ownerText}.${process.pid}`)
  writeFileSync(temporary, `${JSON.stringify(owner)}\n`, { mode: 0o600 })
  renameSync(temporary, path.join(folder, ownerText))
}

function readText(folder: string): SpoolOwner | null {
  try {
    const value: unknown = JSON.parse(readFileSync(path.join(folder, ownerText), 'utf8'))
    if (typeof value !== 'object' || value === null) return null
    const { pid, host, sinceMs } = value as Partial<Record<keyof SpoolOwner, unknown>>
    return typeof pid === 'number' && typeof host === 'string' && typeof sinceMs === 'number'
      ? { pid, host, sinceMs }
      : null
  } catch {
    return null
  }
}

function ownedMessage(folder: string, owner: SpoolOwner | null): string {
  const who =
    owner === null
      ? 'another process'
      : `process ${owner.pid} on ${owner.host} since ${new Date(owner.sinceMs).toISOString()}`
  return `the spool ${folder} is in use by ${who}; only one relay may use a spool`
}
