// A selection as SQL on `recipient r` and `entry e`.

import type { Selection } from './spool-tools.ts'

export interface Condition {
  readonly sql: string
  readonly values: readonly (string | number)[]
}

/**
 * Recipients in the order of arrival of their mail. The unary plus keeps SQLite on the table itself: an
 * index on the domain would give them in another order, and a long list is read a page at a time.
 */
export const selectedRows = 'recipient r CROSS JOIN entry e ON e.number = r.entry'

export function conditionOf(selection: Selection): Condition {
  const { ids, domain, recipient, sender, receivedBeforeMs, receivedAfterMs, fate } = selection
  const conditions: Condition[] = []
  if (ids !== undefined) {
    conditions.push({
      sql: 'r.entry IN (SELECT number FROM entry WHERE id IN (SELECT value FROM json_each(?)))',
      values: [JSON.stringify(ids)],
    })
  }
  if (domain !== undefined) conditions.push({ sql: '+r.domain = ?', values: [domain] })
  if (recipient !== undefined) conditions.push(isAddress('r.address', recipient))
  if (sender !== undefined) conditions.push(isAddress('e.reverse_path', sender))
  if (receivedBeforeMs !== undefined) {
    conditions.push({ sql: 'e.received_at_ms < ?', values: [receivedBeforeMs] })
  }
  if (receivedAfterMs !== undefined) {
    conditions.push({ sql: 'e.received_at_ms >= ?', values: [receivedAfterMs] })
  }
  if (fate !== undefined) {
    const not = fate === 'held' ? 'NOT ' : ''
    conditions.push({ sql: `+r.held_since_ms IS ${not}NULL`, values: [] })
  }
  return allOf(conditions)
}

export function allOf(conditions: readonly Condition[]): Condition {
  return {
    sql: ['1', ...conditions.map(({ sql }) => sql)].join(' AND '),
    values: conditions.flatMap(({ values }) => values),
  }
}

/** The domain in any case, the local part as it is written (RFC 5321 §2.4). */
function isAddress(column: string, address: string): Condition {
  const at = address.lastIndexOf('@')
  if (at < 0) return { sql: `${column} = ?`, values: [address] }
  return {
    sql: `${column} = ? COLLATE NOCASE AND instr(${column}, ?) = 1`,
    values: [address, address.slice(0, at + 1)],
  }
}
