// The file catcher.db, shared by `pforte check`, the catcher and `pforte catcher`: its shape and its statements.

import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync, type SQLOutputValue } from 'node:sqlite'
import { createPrivately } from '#base/private-file.ts'
import {
  aliveEveryMs,
  CatcherError,
  keptMs,
  maxMailsPerToken,
  maxOthersPerToken,
  type CatchStore,
  type CaughtRun,
  type CaughtToken,
  type MailOutcome,
  type Return,
  type Returned,
  type TokenPurpose,
} from './catcher.ts'
import { newToken, randomBase32 } from './token.ts'

export const catcherFileName = 'catcher.db'

/** How long a statement may wait for another process: it stops this process for that long. */
const busyTimeoutMs = 2000
const schemaVersion = 1
/** A run has some twenty tokens: room for years of daily runs, and an end. */
const maxRunCount = 1000
const maxTokensPerRun = 200

const schema = `
  CREATE TABLE runs (
    id TEXT PRIMARY KEY,
    code TEXT NOT NULL UNIQUE,
    started_at_ms INTEGER NOT NULL,
    server TEXT NOT NULL,
    mailbox TEXT NOT NULL,
    confirmed_at_ms INTEGER,
    missing_at_ms INTEGER
  ) STRICT, WITHOUT ROWID;
  CREATE TABLE catcher (
    id INTEGER PRIMARY KEY CHECK (id = 1),
    alive_at_ms INTEGER
  ) STRICT;
  CREATE INDEX runs_by_age ON runs (started_at_ms);
  CREATE TABLE tokens (
    token TEXT PRIMARY KEY,
    run TEXT NOT NULL REFERENCES runs (id) ON DELETE CASCADE,
    check_id TEXT NOT NULL,
    purpose TEXT NOT NULL,
    recipient TEXT NOT NULL,
    issued_at_ms INTEGER NOT NULL,
    outcome TEXT NOT NULL
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX tokens_by_run ON tokens (run, issued_at_ms);
  CREATE TABLE returns (
    id INTEGER PRIMARY KEY,
    token TEXT NOT NULL REFERENCES tokens (token) ON DELETE CASCADE,
    at_ms INTEGER NOT NULL,
    client TEXT NOT NULL,
    greeting TEXT NOT NULL,
    return_path TEXT NOT NULL,
    size_bytes INTEGER NOT NULL,
    is_mail INTEGER NOT NULL,
    returned TEXT NOT NULL
  ) STRICT;
  CREATE INDEX returns_by_token ON returns (token, is_mail);
`

/** `folder` is made when missing. A return is an accepted mail: WAL with synchronous=FULL. */
export function openCatchStore(folder: string): CatchStore {
  const path = join(folder, catcherFileName)
  return guarded(path, () => {
    mkdirSync(folder, { recursive: true, mode: 0o700 })
    createPrivately(folder, path)
    const database = new DatabaseSync(path, { timeout: busyTimeoutMs })
    try {
      database.exec(
        'PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON',
      )
      migrate(database)
      return guardAll(path, statementsOf(database))
    } catch (error) {
      database.close()
      throw error
    }
  })
}

function guarded<Value>(path: string, work: () => Value): Value {
  try {
    return work()
  } catch (error) {
    if (error instanceof CatcherError) throw error
    throw new CatcherError(`cannot use ${path}: ${String(error)}`, { cause: error })
  }
}

function guardAll(path: string, store: CatchStore): CatchStore {
  return {
    beginRun: (start) => guarded(path, () => store.beginRun(start)),
    issue: (run, use, nowMs) => guarded(path, () => store.issue(run, use, nowMs)),
    settle: (token, outcome) => guarded(path, () => store.settle(token, outcome)),
    find: (token, nowMs) => guarded(path, () => store.find(token, nowMs)),
    add: (token, found) => guarded(path, () => store.add(token, found)),
    run: (id, nowMs) => guarded(path, () => store.run(id, nowMs)),
    runs: (nowMs) => guarded(path, () => store.runs(nowMs)),
    confirm: (code, nowMs) => guarded(path, () => store.confirm(code, nowMs)),
    missing: (run, nowMs) => guarded(path, () => store.missing(run, nowMs)),
    tellAlive: (nowMs) => guarded(path, () => store.tellAlive(nowMs)),
    isAlive: (nowMs) => guarded(path, () => store.isAlive(nowMs)),
    purge: (nowMs) => guarded(path, () => store.purge(nowMs)),
    close: () => store.close(),
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

function statementsOf(database: DatabaseSync): CatchStore {
  const insertRun = database.prepare('INSERT INTO runs VALUES (?, ?, ?, ?, ?, NULL, NULL)')
  const oldestRuns = database.prepare(
    `DELETE FROM runs WHERE id IN (SELECT id FROM runs ORDER BY started_at_ms DESC LIMIT -1 OFFSET ?)`,
  )
  const countTokens = database.prepare('SELECT count(*) AS value FROM tokens WHERE run = ?')
  const insertToken = database.prepare(`INSERT INTO tokens VALUES (?, ?, ?, ?, ?, ?, 'open')`)
  const updateOutcome = database.prepare('UPDATE tokens SET outcome = ? WHERE token = ?')
  const selectToken = database.prepare(
    `SELECT tokens.*, runs.code FROM tokens JOIN runs ON runs.id = tokens.run
      WHERE token = ? AND issued_at_ms >= ?`,
  )
  const countReturns = database.prepare(
    'SELECT count(*) AS value FROM returns WHERE token = ? AND is_mail = ?',
  )
  const insertReturn = database.prepare('INSERT INTO returns VALUES (NULL, ?, ?, ?, ?, ?, ?, ?, ?)')
  const confirmRun = database.prepare(
    `UPDATE runs SET confirmed_at_ms = coalesce(confirmed_at_ms, ?)
      WHERE code = ? AND started_at_ms >= ? RETURNING id`,
  )
  const missRun = database.prepare(
    'UPDATE runs SET missing_at_ms = coalesce(missing_at_ms, ?) WHERE id = ? AND started_at_ms >= ?',
  )
  const deleteOld = database.prepare('DELETE FROM runs WHERE started_at_ms < ?')
  const setAlive = database.prepare('INSERT OR REPLACE INTO catcher VALUES (1, ?)')
  const selectAlive = database.prepare('SELECT alive_at_ms FROM catcher')
  const read = prepareReading(database)
  return {
    beginRun: ({ startedAtMs, server, mailbox }) =>
      inTransaction(database, () => {
        const id = randomBase32(8)
        const code = randomBase32(10)
        insertRun.run(id, code, startedAtMs, server, mailbox)
        oldestRuns.run(maxRunCount)
        return { id, code }
      }),
    issue: (run, { check, purpose, recipient }, nowMs) =>
      inTransaction(database, () => {
        if (Number(countTokens.get(run)?.['value']) >= maxTokensPerRun) {
          throw new CatcherError(`run ${run} has ${maxTokensPerRun} tokens already`)
        }
        const token = newToken()
        insertToken.run(token, run, check, purpose, recipient, nowMs)
        return token
      }),
    settle: (token, outcome) => void updateOutcome.run(outcome, token),
    find: (token, nowMs) => {
      const row = selectToken.get(token, nowMs - keptMs)
      if (row === undefined) return null
      return {
        run: textOf(row, 'run'),
        code: textOf(row, 'code'),
        issuedAtMs: Number(row['issued_at_ms']),
        check: textOf(row, 'check_id'),
        purpose: textOf(row, 'purpose') as TokenPurpose,
        recipient: textOf(row, 'recipient'),
        mailCount: Number(countReturns.get(token, 1)?.['value']),
      }
    },
    add: (token, found) =>
      inTransaction(database, () => {
        const { atMs, client, greeting, returnPath, sizeBytes, returned } = found
        const isMail = isWholeMail(returned)
        const maxCount = isMail ? maxMailsPerToken : maxOthersPerToken
        if (Number(countReturns.get(token, Number(isMail))?.['value']) >= maxCount) return false
        insertReturn.run(
          token,
          atMs,
          client,
          greeting,
          returnPath,
          sizeBytes,
          Number(isMail),
          JSON.stringify(returned),
        )
        return true
      }),
    ...read,
    confirm: (code, nowMs) => {
      const row = confirmRun.get(nowMs, code.toLowerCase(), nowMs - keptMs)
      return row === undefined ? null : textOf(row, 'id')
    },
    missing: (run, nowMs) => Number(missRun.run(nowMs, run, nowMs - keptMs).changes) > 0,
    tellAlive: (nowMs) => void setAlive.run(nowMs),
    isAlive: (nowMs) => {
      const aliveAtMs = numberOrNull(selectAlive.get() ?? {}, 'alive_at_ms')
      return aliveAtMs !== null && nowMs - aliveAtMs < 3 * aliveEveryMs
    },
    purge: (nowMs) => void deleteOld.run(nowMs - keptMs),
    close: () => {
      if (database.isOpen) database.close()
    },
  }
}

function prepareReading(database: DatabaseSync): Pick<CatchStore, 'run' | 'runs'> {
  const selectRun = database.prepare('SELECT * FROM runs WHERE id = ? AND started_at_ms >= ?')
  const selectRuns = database.prepare(
    'SELECT * FROM runs WHERE started_at_ms >= ? ORDER BY started_at_ms DESC, id',
  )
  const selectTokens = database.prepare(
    'SELECT * FROM tokens WHERE run = ? ORDER BY issued_at_ms, token',
  )
  const selectReturns = database.prepare('SELECT * FROM returns WHERE token = ? ORDER BY id')
  const tokenFrom = (row: Row): CaughtToken => ({
    token: textOf(row, 'token'),
    check: textOf(row, 'check_id'),
    purpose: textOf(row, 'purpose') as TokenPurpose,
    recipient: textOf(row, 'recipient'),
    issuedAtMs: Number(row['issued_at_ms']),
    outcome: textOf(row, 'outcome') as MailOutcome,
    returns: selectReturns.all(textOf(row, 'token')).map(returnFrom),
  })
  const runFrom = (row: Row): CaughtRun => ({
    id: textOf(row, 'id'),
    code: textOf(row, 'code'),
    startedAtMs: Number(row['started_at_ms']),
    untilMs: Number(row['started_at_ms']) + keptMs,
    server: textOf(row, 'server'),
    mailbox: textOf(row, 'mailbox'),
    confirmedAtMs: numberOrNull(row, 'confirmed_at_ms'),
    missingAtMs: numberOrNull(row, 'missing_at_ms'),
    tokens: selectTokens.all(textOf(row, 'id')).map(tokenFrom),
  })
  return {
    run: (id, nowMs) => {
      const row = selectRun.get(id, nowMs - keptMs)
      return row === undefined ? null : runFrom(row)
    },
    runs: (nowMs) => selectRuns.all(nowMs - keptMs).map(runFrom),
  }
}

function isWholeMail({ kind }: Returned): boolean {
  return kind !== 'callback' && kind !== 'broken-off'
}

type Row = Readonly<Record<string, SQLOutputValue>>

function returnFrom(row: Row): Return {
  return {
    atMs: Number(row['at_ms']),
    client: textOf(row, 'client'),
    greeting: textOf(row, 'greeting'),
    returnPath: textOf(row, 'return_path'),
    sizeBytes: Number(row['size_bytes']),
    returned: JSON.parse(textOf(row, 'returned')) as Returned,
  }
}

function textOf(row: Row, column: string): string {
  return String(row[column] ?? '')
}

function numberOrNull(row: Row, column: string): number | null {
  const value = row[column]
  return value === null || value === undefined ? null : Number(value)
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
