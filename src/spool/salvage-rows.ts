// Copies what can be read of a damaged database, entry by entry.

import type { DatabaseSync } from 'node:sqlite'
import { resultCode } from './database.ts'

type Row = Readonly<Record<string, unknown>>

interface ReadableEntry {
  readonly entry: Row
  readonly recipients: readonly Row[]
  readonly attempts: readonly Row[]
  /** Its content and all of its recipients are there. */
  readonly isWhole: boolean
}

/**
 * One transaction. `keptCount`: entries copied whole; `lostCount`: those known of, but not readable, or not
 * as a whole. Of a mail whose content cannot be read the envelope is kept: to be delivered it is found
 * damaged, and goes to the hold. Throws what the new database throws, unless a row does not fit into it.
 */
export function copyReadable(
  from: DatabaseSync,
  to: DatabaseSync,
): { readonly keptCount: number; readonly lostCount: number } {
  let [keptCount, lostCount] = [0, 0]
  to.exec('BEGIN')
  for (const number of entryNumbers(from)) {
    const found = readEntry(from, number)
    const isCopied = found !== null && insertTogether(to, rowsOf(found))
    if (isCopied && found.isWhole) keptCount += 1
    else lostCount += 1
  }
  for (const row of readRows(from, 'SELECT * FROM order_record ORDER BY number').rows) {
    insertTogether(to, [['order_record', row]])
  }
  to.exec('COMMIT')
  return { keptCount, lostCount }
}

/** From both ends and by the other indexes: each finds what lies before its first bad page. */
function entryNumbers(from: DatabaseSync): readonly number[] {
  const numbers = [
    'SELECT number FROM entry NOT INDEXED ORDER BY number',
    'SELECT number FROM entry NOT INDEXED ORDER BY number DESC',
    'SELECT number FROM entry ORDER BY id',
    'SELECT entry AS number FROM recipient NOT INDEXED',
  ].flatMap((query) => readRows(from, query).rows.map(({ number }) => Number(number)))
  return [...new Set(numbers)].sort((a, b) => a - b)
}

function readEntry(from: DatabaseSync, number: number): ReadableEntry | null {
  const whole = readRows(from, 'SELECT * FROM entry WHERE number = ?', number)
  const entry = whole.rows[0] ?? readWithoutContent(from, number)
  const recipients = readRows(from, 'SELECT * FROM recipient WHERE entry = ?', number)
  if (entry === undefined || recipients.rows.length === 0) return null
  const attempts = readRows(from, 'SELECT * FROM attempt WHERE entry = ?', number)
  const isWhole = whole.isComplete && recipients.isComplete
  return { entry, recipients: recipients.rows, attempts: attempts.rows, isWhole }
}

/** The content is the last column: the others may be on a page that is good. */
function readWithoutContent(from: DatabaseSync, number: number): Row | undefined {
  const columns = readRows(from, `SELECT name FROM pragma_table_info('entry')`)
    .rows.map(({ name }) => String(name))
    .filter((name) => name !== 'prefix')
  const { rows } = readRows(from, `SELECT ${columns.join()} FROM entry WHERE number = ?`, number)
  return rows[0] === undefined ? undefined : { ...rows[0], prefix: new Uint8Array() }
}

/** What comes before the first row that cannot be read. */
function readRows(
  from: DatabaseSync,
  query: string,
  ...values: readonly number[]
): { readonly rows: readonly Row[]; readonly isComplete: boolean } {
  const rows: Row[] = []
  try {
    for (const row of from.prepare(query).iterate(...values)) rows.push(row)
    return { rows, isComplete: true }
  } catch {
    return { rows, isComplete: false }
  }
}

function rowsOf({
  entry,
  recipients,
  attempts,
}: ReadableEntry): readonly (readonly [string, Row])[] {
  return [
    ['entry', entry],
    ...recipients.map((row) => ['recipient', row] as const),
    ...attempts.map((row) => ['attempt', row] as const),
  ]
}

/** All of them or none: false when one does not fit, because what was read is not what was written. */
function insertTogether(to: DatabaseSync, rows: readonly (readonly [string, Row])[]): boolean {
  to.exec('SAVEPOINT together')
  try {
    for (const [table, row] of rows) insert(to, table, row)
    to.exec('RELEASE together')
    return true
  } catch (error) {
    const code = resultCode(error)
    const isMisfit = code === null || code === 18 || code === 19 || code === 20
    if (!isMisfit) throw error
    to.exec('ROLLBACK TO together; RELEASE together')
    return false
  }
}

function insert(to: DatabaseSync, table: string, row: Row): void {
  const columns = Object.keys(row)
  const marks = columns.map(() => '?').join()
  to.prepare(`INSERT INTO ${table} (${columns.join()}) VALUES (${marks})`).run(
    ...Object.values(row).map(toValue),
  )
}

function toValue(value: unknown): string | number | null | Uint8Array {
  return typeof value === 'string' || typeof value === 'number' || value instanceof Uint8Array
    ? value
    : null
}
