// What a spool holds, read from its database with nothing of src: the account must not believe the
// accountant.

import { existsSync } from 'node:fs'
import path from 'node:path'
import { DatabaseSync } from 'node:sqlite'

export interface SpooledRecipient {
  readonly id: string
  readonly reversePath: string
  readonly address: string
  /** Null: it waits. */
  readonly holdReason: string | null
  readonly reply: string
}

/** `state`: the relay's folder of state. Also while the relay runs. */
export function readSpool(state: string): readonly SpooledRecipient[] {
  const file = path.join(state, 'spool', 'spool.db')
  if (!existsSync(file)) return []
  // Read-only: closing must not bring the log into the database, which is the relay's own business.
  const database = new DatabaseSync(file, { timeout: 5000, readOnly: true })
  try {
    const rows = database
      .prepare(
        `SELECT id, reverse_path, address, hold_reason, reply FROM entry
         JOIN recipient ON recipient.entry = entry.number ORDER BY entry.number, position`,
      )
      .all()
    return rows.map((row) => ({
      id: String(row['id']),
      reversePath: String(row['reverse_path']),
      address: String(row['address']),
      holdReason: row['hold_reason'] === null ? null : String(row['hold_reason']),
      reply: String(row['reply']),
    }))
  } finally {
    database.close()
  }
}
