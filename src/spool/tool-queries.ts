// What people's tools read from spool.db. Everything here throws the database's errors.

import { existsSync } from 'node:fs'
import path from 'node:path'
import type { DatabaseSync } from 'node:sqlite'
import { contentOf } from './content-reader.ts'
import { allOf, conditionOf, selectedRows } from './selection.ts'
import type { SpoolContent, SpoolId } from './spool.ts'
import type {
  DomainReasons,
  OrderRecord,
  Selection,
  SpoolEntry,
  SpoolEntryDetails,
  SpoolRecipient,
} from './spool-tools.ts'
import {
  attemptOf,
  entryColumns,
  entryOf,
  holdReasonOf,
  numberOf,
  orderRecordOf,
  recipientOf,
  textOf,
} from './tool-rows.ts'

/** The next entries of a selection in the order of arrival, each with its number there. */
export function pageOf(
  database: DatabaseSync,
  selection: Selection,
  page: { readonly afterNumber: number; readonly maxCount: number },
): readonly { readonly number: number; readonly entry: SpoolEntry }[] {
  const { sql, values } = allOf([
    { sql: 'r.entry > ?', values: [page.afterNumber] },
    conditionOf(selection),
  ])
  const entries = database
    .prepare(
      `SELECT ${entryColumns} FROM entry WHERE number IN (
         SELECT r.entry FROM ${selectedRows} WHERE ${sql}
         GROUP BY r.entry ORDER BY r.entry LIMIT ?)
       ORDER BY number`,
    )
    .all(...values, page.maxCount)
  return entries.map((row) => {
    const number = numberOf(row, 'number')
    return { number, entry: entryOf(row, recipientsOf(database, number, selection)) }
  })
}

export function detailsOf(database: DatabaseSync, id: SpoolId): SpoolEntryDetails | undefined {
  const row = database.prepare(`SELECT ${entryColumns}, prefix FROM entry WHERE id = ?`).get(id)
  if (row === undefined) return undefined
  const number = numberOf(row, 'number')
  const attempts = database.prepare('SELECT * FROM attempt WHERE entry = ? ORDER BY number')
  return {
    ...entryOf(row, recipientsOf(database, number, {})),
    attempts: attempts.all(number).map(attemptOf),
    header: headerOf(bytesOf(row['prefix'])),
    orders: ordersOf(database, Number.MAX_SAFE_INTEGER, id).toReversed(),
  }
}

export function contentIn(
  database: DatabaseSync,
  folder: string,
  id: SpoolId,
): SpoolContent | null {
  const row = database
    .prepare('SELECT prefix, has_file, file_offset, size_bytes, crc FROM entry WHERE id = ?')
    .get(id)
  if (row === undefined) return null
  const file = row['has_file'] === 1 ? contentFile(folder, id) : null
  if (file !== null && !existsSync(file)) return null
  return contentOf({
    prefix: bytesOf(row['prefix']),
    file: file === null ? null : { path: file, offset: numberOf(row, 'file_offset') },
    sizeBytes: numberOf(row, 'size_bytes'),
    crc: numberOf(row, 'crc'),
  })
}

/** Where the large content of an entry that is in the spool lies. */
export function contentFile(folder: string, id: SpoolId): string {
  return path.join(folder, 'content', id)
}

export function reasonsOf(database: DatabaseSync): readonly DomainReasons[] {
  const attempts = database
    .prepare(
      `SELECT * FROM attempt WHERE number IN (
         SELECT max(number) FROM attempt WHERE outcome <> 'relayed' GROUP BY domain)`,
    )
    .all()
    .map(attemptOf)
  const holds = database
    .prepare(
      `SELECT domain, hold_reason, count(*) AS count FROM recipient
       WHERE held_since_ms IS NOT NULL GROUP BY domain, hold_reason ORDER BY count DESC`,
    )
    .all()
  const domains = database.prepare('SELECT DISTINCT domain FROM recipient ORDER BY domain').all()
  return domains.map((row) => {
    const domain = textOf(row, 'domain')
    return {
      domain,
      lastAttempt: attempts.find((attempt) => attempt.domain === domain) ?? null,
      holds: holds
        .filter((each) => each['domain'] === domain)
        .map((each) => ({
          reason: holdReasonOf(each['hold_reason']),
          count: numberOf(each, 'count'),
        })),
    }
  })
}

/** The newest first. */
export function ordersOf(
  database: DatabaseSync,
  limit: number,
  id: SpoolId | undefined,
): readonly OrderRecord[] {
  return database
    .prepare(
      `SELECT * FROM order_record WHERE ${id === undefined ? '?1 IS NULL' : 'id = ?1'}
       ORDER BY number DESC LIMIT ?2`,
    )
    .all(id ?? null, limit)
    .map(orderRecordOf)
}

function recipientsOf(
  database: DatabaseSync,
  number: number,
  selection: Selection,
): readonly SpoolRecipient[] {
  const { sql, values } = allOf([{ sql: 'r.entry = ?', values: [number] }, conditionOf(selection)])
  return database
    .prepare(`SELECT r.* FROM ${selectedRows} WHERE ${sql} ORDER BY r.position`)
    .all(...values)
    .map(recipientOf)
}

/** Up to the empty line; all of it, without the end mark, when there is no body. */
function headerOf(prefix: Buffer): Buffer | null {
  if (prefix.length === 0) return null
  const end = prefix.indexOf('\r\n\r\n')
  if (end >= 0) return prefix.subarray(0, end + 2)
  const mark = prefix.indexOf('\r\n.\r\n')
  return mark >= 0 ? prefix.subarray(0, mark + 2) : prefix
}

function bytesOf(value: unknown): Buffer {
  return value instanceof Uint8Array
    ? Buffer.from(value.buffer, value.byteOffset, value.byteLength)
    : Buffer.alloc(0)
}
