// The tables of spool.db as the owner of the spool writes and reads them. Everything here is synchronous
// and throws the database's errors; transactions are the caller's.

import type { DatabaseSync, StatementSync } from 'node:sqlite'
import type { EntryRow, LeaseRow, SpoolAnswers } from './messages.ts'
import type {
  Attempt,
  DueDomain,
  HeldRecipient,
  HoldReason,
  HoldSelection,
  LeaseRequest,
  NewRecipient,
  SettledRecipient,
  Settlement,
  SpoolId,
  SpoolStats,
} from './spool.ts'
import { readStats } from './stats.ts'

/** Words of a peer are kept up to here. */
const maxReplyLength = 1000
/** Of the attempts of an entry the first ones and the last ones are kept. */
const firstAttemptCount = 10
const lastAttemptCount = 90
/** Most recipients one `hold` takes. */
const maxHoldCount = 1000

type Row = Readonly<Record<string, unknown>>

export class Store {
  readonly #database: DatabaseSync
  readonly #statements = new Map<string, StatementSync>()
  /** No schedule leads further than this into the future; what does was made by a clock that jumped. */
  readonly #maxDelayMs: number

  constructor(database: DatabaseSync, maxDelayMs: number) {
    this.#database = database
    this.#maxDelayMs = maxDelayMs
  }

  commit(entry: EntryRow): void {
    const { content } = entry
    const { lastInsertRowid: number } = this.#prepare(
      `INSERT INTO entry (id, reverse_path, is_smtp_utf8, is_8bit_mime, client_address, greeting_name,
         received_at_ms, size_bytes, has_file, file_offset, crc, prefix)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
    ).run(
      entry.id,
      entry.reversePath,
      Number(entry.isSmtpUtf8),
      Number(entry.is8BitMime),
      entry.clientAddress,
      entry.greetingName,
      entry.receivedAtMs,
      content.sizeBytes,
      Number(content.fileOffset !== null),
      content.fileOffset ?? 0,
      content.crc,
      content.prefix,
    )
    const key = Number(number)
    for (const [position, recipient] of entry.recipients.entries()) {
      const attempts = entry.attempts.filter(({ domain }) => domain === recipient.domain)
      this.#insertRecipient(key, position, recipient, attempts, entry.receivedAtMs)
    }
    for (const attempt of entry.attempts) this.#insertAttempt(key, attempt)
  }

  settle(id: SpoolId, movedTo: string | null, settlement: Settlement): SpoolAnswers['settle'] {
    const entry = this.#prepare('SELECT number, has_file FROM entry WHERE id = ?').get(id)
    if (entry === undefined) return { wasThere: false, isGone: true, hasFile: false }
    const key = Number(entry['number'])
    for (const recipient of settlement.recipients) {
      this.#settleRecipient(key, recipient, movedTo, settlement.attempts.at(-1)?.atMs ?? null)
    }
    const isLeft = this.#prepare('SELECT 1 FROM recipient WHERE entry = ? LIMIT 1').get(key)
    if (isLeft === undefined) {
      this.#prepare('DELETE FROM entry WHERE number = ?').run(key)
      return { wasThere: true, isGone: true, hasFile: entry['has_file'] === 1 }
    }
    for (const attempt of settlement.attempts) this.#insertAttempt(key, attempt)
    this.#trimAttempts(key)
    return { wasThere: true, isGone: false, hasFile: false }
  }

  /** Removes an entry whatever its state; true if there was one. */
  remove(id: SpoolId): boolean {
    return this.#prepare('DELETE FROM entry WHERE id = ?').run(id).changes > 0
  }

  hurry(domain: string): number {
    const result = this.#prepare(
      `UPDATE recipient SET next_attempt_ms = 0
       WHERE domain = ? AND held_since_ms IS NULL AND next_attempt_ms <> 0`,
    ).run(domain)
    return Number(result.changes)
  }

  hold(
    which: HoldSelection,
    reason: HoldReason,
    nowMs: number,
    isLeased: (id: SpoolId, domain: string) => boolean,
  ): readonly HeldRecipient[] {
    const [condition, value] =
      which.kind === 'domain'
        ? ['r.domain = ? AND r.moved_to IS NULL', which.domain]
        : ['r.age_from_ms < ?', which.ageFromBeforeMs]
    const found = this.#prepare(
      `SELECT r.entry, r.position, r.address, r.domain, r.reply, e.id
       FROM recipient r JOIN entry e ON e.number = r.entry
       WHERE r.held_since_ms IS NULL AND ${condition} LIMIT ${maxHoldCount}`,
    ).all(value)
    const held: HeldRecipient[] = []
    const update = this.#prepare(
      'UPDATE recipient SET held_since_ms = ?, hold_reason = ? WHERE entry = ? AND position = ?',
    )
    for (const row of found) {
      const [id, domain] = [textOf(row, 'id'), textOf(row, 'domain')]
      if (isLeased(id, domain)) continue
      update.run(nowMs, reason, numberOf(row, 'entry'), numberOf(row, 'position'))
      held.push({ id, domain, address: textOf(row, 'address'), reply: textOf(row, 'reply') })
    }
    return held
  }

  /** A schedule that a jump of the clock has put out of reach is drawn near. */
  mendSchedule(domain: string, nowMs: number): void {
    const limitMs = nowMs + this.#maxDelayMs
    const latest = this.#prepare(
      `SELECT max(next_attempt_ms) AS value FROM recipient
       WHERE domain = ? AND held_since_ms IS NULL`,
    ).get(domain)?.['value']
    if (typeof latest !== 'number' || latest <= limitMs) return
    this.#prepare(
      `UPDATE recipient SET next_attempt_ms = ?
       WHERE domain = ? AND held_since_ms IS NULL AND next_attempt_ms > ?`,
    ).run(nowMs, domain, limitMs)
  }

  lease(
    { domain, nowMs, maxCount, isMovedOnly = false }: LeaseRequest,
    isLeased: (id: SpoolId, domain: string) => boolean,
  ): readonly LeaseRow[] {
    const due = this.#prepare(
      `SELECT r.entry, r.address, r.attempt_count, r.moved_to, r.age_from_ms, e.id
       FROM recipient r JOIN entry e ON e.number = r.entry
       WHERE r.domain = ? AND r.held_since_ms IS NULL AND r.next_attempt_ms <= ?
         AND (r.moved_to IS NOT NULL OR NOT ?)
       ORDER BY r.next_attempt_ms, r.entry, r.position`,
    ).iterate(domain, nowMs, Number(isMovedOnly))
    const chosen = new Map<number, Row[]>()
    for (const row of due) {
      const key = numberOf(row, 'entry')
      const known = chosen.get(key)
      if (known === undefined) {
        if (isLeased(textOf(row, 'id'), domain)) continue
        if (chosen.size >= maxCount) break
        chosen.set(key, [row])
      } else if (known[0]?.['moved_to'] === row['moved_to']) known.push(row)
    }
    return [...chosen].map(([key, rows]) => this.#leaseRow(key, domain, rows))
  }

  due(): readonly DueDomain[] {
    const rows = this.#prepare(
      `WITH RECURSIVE waiting (domain) AS (
         SELECT min(domain) FROM recipient WHERE held_since_ms IS NULL
         UNION ALL
         SELECT (SELECT min(domain) FROM recipient
                 WHERE held_since_ms IS NULL AND domain > waiting.domain)
         FROM waiting WHERE waiting.domain IS NOT NULL
       )
       SELECT domain, (SELECT min(next_attempt_ms) FROM recipient
                       WHERE held_since_ms IS NULL AND recipient.domain = waiting.domain) AS next
       FROM waiting WHERE domain IS NOT NULL`,
    ).all()
    return rows.map((row) => ({
      domain: textOf(row, 'domain'),
      nextAttemptMs: numberOf(row, 'next'),
    }))
  }

  stats(): SpoolStats {
    return readStats(this.#database)
  }

  entryCount(): number {
    return numberOf(this.#prepare('SELECT count(*) AS value FROM entry').get() ?? {}, 'value')
  }

  /** Entries with a content file. */
  filedIds(): readonly SpoolId[] {
    const rows = this.#prepare('SELECT id FROM entry WHERE has_file = 1').all()
    return rows.map((row) => textOf(row, 'id'))
  }

  #leaseRow(key: number, domain: string, rows: readonly Row[]): LeaseRow {
    const entry = this.#prepare('SELECT * FROM entry WHERE number = ?').get(key) ?? {}
    const [prefix, movedTo] = [entry['prefix'], rows[0]?.['moved_to']]
    return {
      id: textOf(entry, 'id'),
      domain,
      movedTo: typeof movedTo === 'string' ? movedTo : null,
      reversePath: textOf(entry, 'reverse_path'),
      isSmtpUtf8: entry['is_smtp_utf8'] === 1,
      is8BitMime: entry['is_8bit_mime'] === 1,
      clientAddress: textOf(entry, 'client_address'),
      greetingName: textOf(entry, 'greeting_name'),
      receivedAtMs: numberOf(entry, 'received_at_ms'),
      recipients: rows.map((row) => ({
        address: textOf(row, 'address'),
        attemptCount: numberOf(row, 'attempt_count'),
        ageFromMs: numberOf(row, 'age_from_ms'),
      })),
      content: {
        prefix:
          prefix instanceof Uint8Array ? (prefix as Uint8Array<ArrayBuffer>) : new Uint8Array(),
        fileOffset: entry['has_file'] === 1 ? numberOf(entry, 'file_offset') : null,
        sizeBytes: numberOf(entry, 'size_bytes'),
        crc: numberOf(entry, 'crc'),
      },
    }
  }

  #insertRecipient(
    entry: number,
    position: number,
    recipient: NewRecipient,
    attempts: readonly Attempt[],
    receivedAtMs: number,
  ): void {
    const { fate } = recipient
    const isHeld = fate.kind === 'held'
    this.#prepare(
      `INSERT INTO recipient (entry, position, address, domain, moved_to, next_attempt_ms, held_since_ms,
         hold_reason, attempt_count, last_attempt_ms, reply, age_from_ms)
       VALUES (?, ?, ?, ?, NULL, ?, ?, ?, ?, ?, ?, ?)`,
    ).run(
      entry,
      position,
      recipient.address,
      recipient.domain,
      isHeld ? 0 : fate.nextAttemptMs,
      isHeld ? fate.sinceMs : null,
      isHeld ? fate.reason : null,
      attempts.length,
      attempts.at(-1)?.atMs ?? null,
      recipient.reply.slice(0, maxReplyLength),
      receivedAtMs,
    )
  }

  /** What a person ordered meanwhile stands, unless the next hop has the mail. */
  #settleRecipient(
    entry: number,
    { address, fate, reply }: SettledRecipient,
    movedTo: string | null,
    atMs: number | null,
  ): void {
    if (fate.kind === 'relayed') {
      this.#prepare('DELETE FROM recipient WHERE entry = ? AND address = ?').run(entry, address)
      return
    }
    const isHeld = fate.kind === 'held'
    const text = reply?.slice(0, maxReplyLength) ?? null
    const attempted = atMs === null ? 0 : 1
    this.#prepare(
      `UPDATE recipient SET attempt_count = attempt_count + ?, last_attempt_ms = coalesce(?, last_attempt_ms),
         reply = coalesce(?, reply)
       WHERE entry = ? AND address = ?`,
    ).run(attempted, atMs, text, entry, address)
    this.#prepare(
      `UPDATE recipient SET next_attempt_ms = ?, held_since_ms = ?, hold_reason = ?
       WHERE entry = ? AND address = ? AND held_since_ms IS NULL AND moved_to IS ?`,
    ).run(
      isHeld ? 0 : fate.nextAttemptMs,
      isHeld ? fate.sinceMs : null,
      isHeld ? fate.reason : null,
      entry,
      address,
      movedTo,
    )
  }

  #insertAttempt(entry: number, attempt: Attempt): void {
    this.#prepare(
      `INSERT INTO attempt (entry, at_ms, domain, server, address, tls, outcome, reply, took_ms)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)`,
    ).run(
      entry,
      attempt.atMs,
      attempt.domain,
      attempt.server,
      attempt.address,
      attempt.tls,
      attempt.outcome,
      attempt.reply.slice(0, maxReplyLength),
      attempt.tookMs,
    )
  }

  #trimAttempts(entry: number): void {
    const count = numberOf(
      this.#prepare('SELECT count(*) AS value FROM attempt WHERE entry = ?').get(entry) ?? {},
      'value',
    )
    const excess = count - firstAttemptCount - lastAttemptCount
    if (excess <= 0) return
    this.#prepare(
      `DELETE FROM attempt WHERE number IN (
         SELECT number FROM attempt WHERE entry = ? ORDER BY number LIMIT ? OFFSET ?)`,
    ).run(entry, excess, firstAttemptCount)
  }

  #prepare(sql: string): StatementSync {
    const known = this.#statements.get(sql)
    if (known !== undefined) return known
    const statement = this.#database.prepare(sql)
    this.#statements.set(sql, statement)
    return statement
  }
}

function textOf(row: Row, column: string): string {
  const value = row[column]
  return typeof value === 'string' ? value : ''
}

function numberOf(row: Row, column: string): number {
  const value = row[column]
  return typeof value === 'number' ? value : 0
}
