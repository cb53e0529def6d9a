// A spool on disk with given entries, written without the relay's store: for tests of what reads it.

import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { crc32 } from 'node:zlib'
import { migrate } from '#spool/schema.ts'
import type { Attempt, RecipientFate } from '#spool/spool.ts'

export interface StoredEntry {
  readonly id: string
  readonly reversePath?: string
  readonly receivedAtMs?: number
  readonly recipients: readonly StoredRecipient[]
  readonly attempts?: readonly Attempt[]
  /** Wire form. */
  readonly content?: string | Buffer
  /** How much of the content is in the database; the rest becomes a file. Default: all. */
  readonly prefixBytes?: number
}

export interface StoredRecipient {
  readonly address: string
  readonly fate?: RecipientFate
  readonly attemptCount?: number
  readonly reply?: string
}

export const waiting: RecipientFate = { kind: 'waiting', nextAttemptMs: 1_900_000_000_000 }

const defaultContent = 'Received: by relay\r\nSubject: test\r\n\r\nbody\r\n.\r\n'

/** Creates the spool in `folder`, or adds to the one that is there. */
export function fillSpool(folder: string, entries: readonly StoredEntry[]): void {
  mkdirSync(join(folder, 'content'), { recursive: true })
  using database = new DatabaseSync(join(folder, 'spool.db'))
  database.exec('PRAGMA journal_mode = WAL')
  migrate(database)
  for (const entry of entries) addEntry(database, folder, entry)
}

function addEntry(database: DatabaseSync, folder: string, entry: StoredEntry): void {
  const content = Buffer.from(entry.content ?? defaultContent)
  const { id, receivedAtMs = 1000, prefixBytes = content.length } = entry
  const hasFile = prefixBytes < content.length
  // As the intake leaves it: what the prefix replaces is still at the beginning of the file.
  if (hasFile)
    writeFileSync(
      join(folder, 'content', id),
      `xx${content.toString('latin1', prefixBytes)}`,
      'latin1',
    )
  const { lastInsertRowid: number } = database
    .prepare(
      `INSERT INTO entry (id, reverse_path, is_smtp_utf8, is_8bit_mime, client_address, greeting_name,
         received_at_ms, size_bytes, has_file, file_offset, crc, prefix)
       VALUES (?, ?, 0, 0, '192.0.2.7', 'client.example', ?, ?, ?, ?, ?, ?)`,
    )
    .run(
      id,
      entry.reversePath ?? 'bob@sender.example',
      receivedAtMs,
      content.length,
      Number(hasFile),
      hasFile ? 2 : 0,
      crc32(content),
      content.subarray(0, prefixBytes),
    )
  for (const [position, { address, fate = waiting, ...rest }] of entry.recipients.entries()) {
    database
      .prepare(
        `INSERT INTO recipient (entry, position, address, domain, moved_to, next_attempt_ms,
           held_since_ms, hold_reason, attempt_count, last_attempt_ms, reply, age_from_ms)
         VALUES (?, ?, ?, ?, NULL, ?, ?, ?, ?, NULL, ?, ?)`,
      )
      .run(
        number,
        position,
        address,
        address.slice(address.lastIndexOf('@') + 1).toLowerCase(),
        fate.kind === 'waiting' ? fate.nextAttemptMs : 0,
        fate.kind === 'held' ? fate.sinceMs : null,
        fate.kind === 'held' ? fate.reason : null,
        rest.attemptCount ?? 1,
        rest.reply ?? '451 4.3.0 try later',
        receivedAtMs,
      )
  }
  for (const { atMs, domain, server, address, tls, outcome, reply, tookMs } of entry.attempts ??
    []) {
    database
      .prepare(
        `INSERT INTO attempt (entry, at_ms, domain, server, address, tls, outcome, reply, took_ms)
         VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)`,
      )
      .run(number, atMs, domain, server, address, tls, outcome, reply, tookMs)
  }
}

/** All rows of one query, for what the tools do not show. */
export function querySpool(
  folder: string,
  sql: string,
): readonly Readonly<Record<string, unknown>>[] {
  using database = new DatabaseSync(join(folder, 'spool.db'))
  return database
    .prepare(sql)
    .all()
    .map((row) => ({ ...row }))
}
