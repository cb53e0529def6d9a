import assert from 'node:assert/strict'
import { DatabaseSync } from 'node:sqlite'
import { test } from 'node:test'
import { migrate } from './schema.ts'
import { readStats } from './stats.ts'

interface Recipient {
  readonly domain: string
  readonly nextAttemptMs?: number
  readonly heldSinceMs?: number
}

function spoolOf(
  entries: readonly { at: number; size: number; to: readonly Recipient[] }[],
): DatabaseSync {
  const database = new DatabaseSync(':memory:')
  assert.equal(migrate(database), null)
  for (const [index, { at, size, to }] of entries.entries()) {
    database
      .prepare(
        `INSERT INTO entry
           (number, id, reverse_path, is_smtp_utf8, is_8bit_mime, client_address, greeting_name,
            received_at_ms, size_bytes, prefix, has_file, file_offset, crc)
         VALUES (?, ?, 's@x.example', 0, 0, '192.0.2.1', 'c', ?, ?, x'', 0, 0, 0)`,
      )
      .run(index + 1, `id${index}`, at, size)
    for (const [position, { domain, nextAttemptMs = 0, heldSinceMs = null }] of to.entries()) {
      database
        .prepare(
          `INSERT INTO recipient
             (entry, position, address, domain, next_attempt_ms, held_since_ms, hold_reason,
              attempt_count, reply, age_from_ms)
           VALUES (?, ?, ?, ?, ?, ?, ?, 0, '', ?)`,
        )
        .run(
          index + 1,
          position,
          `u${position}@${domain}`,
          domain,
          nextAttemptMs,
          heldSinceMs,
          heldSinceMs === null ? null : 'refused',
          at,
        )
    }
  }
  return database
}

test('an empty spool', () => {
  assert.deepEqual(readStats(spoolOf([])), {
    entryCount: 0,
    sizeBytes: 0,
    waitingCount: 0,
    heldCount: 0,
    domains: [],
  })
})

test('an entry of several recipients counts its size once for each domain and once in all', () => {
  const database = spoolOf([
    {
      at: 500,
      size: 100,
      to: [
        { domain: 'b.example', nextAttemptMs: 9000 },
        { domain: 'a.example', nextAttemptMs: 8000 },
        { domain: 'b.example', nextAttemptMs: 7000 },
        { domain: 'b.example', heldSinceMs: 600 },
      ],
    },
    { at: 400, size: 20, to: [{ domain: 'b.example', heldSinceMs: 650 }] },
    { at: 450, size: 3, to: [{ domain: 'c.example', heldSinceMs: 650 }] },
  ])
  assert.deepEqual(readStats(database), {
    entryCount: 3,
    sizeBytes: 123,
    waitingCount: 3,
    heldCount: 3,
    domains: [
      {
        domain: 'a.example',
        waitingCount: 1,
        heldCount: 0,
        sizeBytes: 100,
        oldestWaitingMs: 500,
        oldestHeldMs: null,
        nextAttemptMs: 8000,
      },
      {
        domain: 'b.example',
        waitingCount: 2,
        heldCount: 2,
        sizeBytes: 120,
        oldestWaitingMs: 500,
        oldestHeldMs: 400,
        nextAttemptMs: 7000,
      },
      {
        domain: 'c.example',
        waitingCount: 0,
        heldCount: 1,
        sizeBytes: 3,
        oldestWaitingMs: null,
        oldestHeldMs: 450,
        nextAttemptMs: null,
      },
    ],
  })
})
