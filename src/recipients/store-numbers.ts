// Reading numbers out of rows.

import type { SQLOutputValue } from 'node:sqlite'

/** The number in a column, 0 for null or no row. */
export function numberColumn(
  row: Readonly<Record<string, SQLOutputValue>> | undefined,
  column: string,
): number {
  const value = row?.[column]
  return typeof value === 'number' ? value : 0
}
