// One process owns a spool. The lock is SQLite's on a file of its own, so the system takes it away with
// the process, however that ends; a text beside it says who has it.

import { readFileSync, renameSync, writeFileSync } from 'node:fs'
import { hostname } from 'node:os'
import path from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { createPrivately } from '#base/private-file.ts'
import { SpoolError } from './spool.ts'
import type { SpoolOwner } from './spool-tools.ts'

const ownerText = 'owner.json'

/** A tool that looks who has the spool holds its lock for a moment. */
const waitMs = 1000

/** Takes the spool in `folder`, which exists. Throws a SpoolError that names the owner, if there is one. */
export function takeOwnership(folder: string, nowMs: number): Disposable {
  const lock = tryLock(folder, 'BEGIN EXCLUSIVE', waitMs)
  if (lock === null) throw new SpoolError('stopped', ownedMessage(folder, readText(folder)))
  const owner: SpoolOwner = { pid: process.pid, host: hostname(), sinceMs: nowMs }
  const temporary = path.join(folder, `${ownerText}.${process.pid}`)
  writeFileSync(temporary, `${JSON.stringify(owner)}\n`, { mode: 0o600 })
  renameSync(temporary, path.join(folder, ownerText))
  return { [Symbol.dispose]: () => lock.close() }
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
  try {
    // To close a file that is there would take away this process's own lock on it (fcntl(2)).
    createPrivately(folder, file)
  } catch (error) {
    throw new SpoolError('io', `cannot use ${file}: ${String(error)}`)
  }
  const database = new DatabaseSync(file, { timeout })
  try {
    // The journal of a database that nobody writes to is in memory: the lock is all that is wanted.
    database.exec(`PRAGMA journal_mode = MEMORY; ${how}`)
    return database
  } catch (error) {
    database.close()
    if (isBusy(error)) return null
    throw new SpoolError('io', `cannot lock ${file}: ${String(error)}`)
  }
}

function isBusy(error: unknown): boolean {
  return error instanceof Error && 'errcode' in error && (Number(error.errcode) & 0xff) === 5
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
