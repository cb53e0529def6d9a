// An order of a person, as one transaction with its audit records.

import type { DatabaseSync } from 'node:sqlite'
import { allOf, conditionOf, selectedRows, type Condition } from './selection.ts'
import { orderedMs } from './spool.ts'
import type { Order, OrderResult, Selection, SpoolTools } from './spool-tools.ts'
import { numberOf, textOf } from './tool-rows.ts'

export type Audit = Parameters<SpoolTools['give']>[2]

/** Audit records are kept up to here, the newest ones. */
const maxOrderRecordCount = 200_000

const picked = '(entry, position) IN (SELECT entry, position FROM picked)'

/** How many an order would concern. */
export function countFor(database: DatabaseSync, order: Order, selection: Selection): OrderResult {
  const { sql, values } = allOf([conditionOf(selection), fitting(order)])
  const row = database
    .prepare(
      `SELECT count(*) AS recipients, count(DISTINCT r.entry) AS entries
       FROM ${selectedRows} WHERE ${sql}`,
    )
    .get(...values)
  return {
    entryCount: numberOf(row ?? {}, 'entries'),
    recipientCount: numberOf(row ?? {}, 'recipients'),
  }
}

/**
 * Durable on return. `orphans`: the ids of removed entries whose content files nobody needs any more.
 * Throws the database's error; then nothing was changed.
 */
export function carryOut(
  database: DatabaseSync,
  order: Order,
  selection: Selection,
  audit: Audit,
): OrderResult & { readonly orphans: readonly string[] } {
  database.exec(
    `CREATE TEMP TABLE IF NOT EXISTS picked
       (entry INTEGER, position INTEGER, PRIMARY KEY (entry, position)) WITHOUT ROWID`,
  )
  database.exec('BEGIN IMMEDIATE')
  try {
    const result = pick(database, order, selection)
    let orphans: readonly string[] = []
    if (result.recipientCount > 0) {
      record(database, order, audit)
      orphans = change(database, order, audit.atMs)
    }
    database.exec('COMMIT')
    return { ...result, orphans }
  } finally {
    if (database.isTransaction) database.exec('ROLLBACK')
  }
}

/** The recipients an order means something for. */
function fitting(order: Order): Condition {
  switch (order.kind) {
    case 'flush':
    case 'hold':
      return { sql: '+r.held_since_ms IS NULL', values: [] }
    case 'release':
      return { sql: '+r.held_since_ms IS NOT NULL', values: [] }
    case 'delete':
      return allOf([])
    case 'move':
      return order.to === null
        ? { sql: 'r.moved_to IS NOT NULL', values: [] }
        : { sql: 'r.moved_to IS NOT ?', values: [order.to] }
  }
}

function pick(database: DatabaseSync, order: Order, selection: Selection): OrderResult {
  const { sql, values } = allOf([conditionOf(selection), fitting(order)])
  database.exec('DELETE FROM temp.picked')
  database
    .prepare(`INSERT INTO temp.picked SELECT r.entry, r.position FROM ${selectedRows} WHERE ${sql}`)
    .run(...values)
  const row = database
    .prepare('SELECT count(*) AS recipients, count(DISTINCT entry) AS entries FROM temp.picked')
    .get()
  return {
    entryCount: numberOf(row ?? {}, 'entries'),
    recipientCount: numberOf(row ?? {}, 'recipients'),
  }
}

function record(database: DatabaseSync, order: Order, audit: Audit): void {
  const detail = order.kind === 'move' ? (order.to ?? 'route') : ''
  database
    .prepare(
      `INSERT INTO order_record (at_ms, by, kind, reason, id, recipients, detail)
       SELECT ?, ?, ?, ?, e.id, json_group_array(r.address), ?
       FROM temp.picked p
       CROSS JOIN recipient r ON r.entry = p.entry AND r.position = p.position
       CROSS JOIN entry e ON e.number = p.entry
       GROUP BY p.entry`,
    )
    .run(audit.atMs, audit.by, order.kind, audit.reason, detail)
  database.exec(
    `DELETE FROM order_record
     WHERE number <= (SELECT max(number) FROM order_record) - ${maxOrderRecordCount}`,
  )
}

function change(database: DatabaseSync, order: Order, atMs: number): readonly string[] {
  switch (order.kind) {
    case 'flush':
      database.exec(`UPDATE recipient SET next_attempt_ms = ${orderedMs} WHERE ${picked}`)
      return []
    case 'hold':
      database
        .prepare(`UPDATE recipient SET held_since_ms = ?, hold_reason = 'ordered' WHERE ${picked}`)
        .run(atMs)
      return []
    case 'release':
      database
        .prepare(
          `UPDATE recipient
           SET held_since_ms = NULL, hold_reason = NULL, next_attempt_ms = 0, age_from_ms = ?
           WHERE ${picked}`,
        )
        .run(atMs)
      return []
    case 'move':
      // Whoever moves mail wants to see it arrive.
      database
        .prepare(`UPDATE recipient SET moved_to = ?, next_attempt_ms = 0 WHERE ${picked}`)
        .run(order.to)
      return []
    case 'delete':
      return remove(database)
  }
}

/** An entry goes with its last recipient. */
function remove(database: DatabaseSync): readonly string[] {
  database.exec(`DELETE FROM recipient WHERE ${picked}`)
  const isEmpty = `number IN (SELECT entry FROM temp.picked)
    AND NOT EXISTS (SELECT 1 FROM recipient WHERE entry = number)`
  const filed = database.prepare(`SELECT id FROM entry WHERE has_file = 1 AND ${isEmpty}`).all()
  database.exec(`DELETE FROM entry WHERE ${isEmpty}`)
  return filed.map((row) => textOf(row, 'id'))
}
