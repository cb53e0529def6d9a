// Every version that was ever written can be read: its schema and its rows are kept here as text, as that
// version wrote them. A next version adds its own text, and changes none.

import assert from 'node:assert/strict'
import path from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { test } from 'node:test'
import { crc32 } from 'node:zlib'
import { temporaryFolder } from '../../test/support/temporary-folder.ts'
import { openTemporarySpool } from '../../test/support/temporary-spool.ts'
import { openSpoolTools } from './open-spool-tools.ts'
import { migrate, migrations, schemaState } from './schema.ts'
import type { Lease } from './spool.ts'

const content = 'Subject: old\r\n\r\nText.\r\n.\r\n'

/** Version 1. */
const version1 = `
  PRAGMA application_id = ${0x50667370};
  PRAGMA user_version = 1;
  CREATE TABLE entry (
    number INTEGER PRIMARY KEY,
    id TEXT NOT NULL UNIQUE,
    reverse_path TEXT NOT NULL,
    is_smtp_utf8 INTEGER NOT NULL,
    is_8bit_mime INTEGER NOT NULL,
    client_address TEXT NOT NULL,
    greeting_name TEXT NOT NULL,
    received_at_ms INTEGER NOT NULL,
    size_bytes INTEGER NOT NULL,
    has_file INTEGER NOT NULL,
    file_offset INTEGER NOT NULL,
    crc INTEGER NOT NULL,
    prefix BLOB NOT NULL
  ) STRICT;
  CREATE INDEX entry_figures ON entry (number, received_at_ms, size_bytes);
  CREATE TABLE recipient (
    entry INTEGER NOT NULL REFERENCES entry (number) ON DELETE CASCADE,
    position INTEGER NOT NULL,
    address TEXT NOT NULL,
    domain TEXT NOT NULL,
    moved_to TEXT,
    next_attempt_ms INTEGER NOT NULL,
    held_since_ms INTEGER,
    hold_reason TEXT,
    attempt_count INTEGER NOT NULL,
    last_attempt_ms INTEGER,
    reply TEXT NOT NULL,
    age_from_ms INTEGER NOT NULL,
    PRIMARY KEY (entry, position)
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX recipient_due ON recipient (domain, next_attempt_ms, entry)
    WHERE held_since_ms IS NULL;
  CREATE INDEX recipient_held ON recipient (domain, held_since_ms)
    WHERE held_since_ms IS NOT NULL;
  CREATE TABLE attempt (
    number INTEGER PRIMARY KEY,
    entry INTEGER NOT NULL REFERENCES entry (number) ON DELETE CASCADE,
    at_ms INTEGER NOT NULL,
    domain TEXT NOT NULL,
    server TEXT NOT NULL,
    address TEXT,
    tls TEXT,
    outcome TEXT NOT NULL,
    reply TEXT NOT NULL,
    took_ms REAL NOT NULL
  ) STRICT;
  CREATE INDEX attempt_entry ON attempt (entry);
  CREATE TABLE order_record (
    number INTEGER PRIMARY KEY,
    at_ms INTEGER NOT NULL,
    by TEXT NOT NULL,
    kind TEXT NOT NULL,
    reason TEXT NOT NULL,
    id TEXT NOT NULL,
    recipients TEXT NOT NULL,
    detail TEXT NOT NULL
  ) STRICT;
  CREATE INDEX order_record_id ON order_record (id);
  INSERT INTO entry VALUES
    (7, 'old-1', 's@sender.example', 1, 1, '192.0.2.7', 'mx.sender.example', 1000,
     ${content.length}, 0, 0, ${crc32(content)}, CAST('${content}' AS BLOB));
  INSERT INTO recipient VALUES
    (7, 0, 'a@inst.example', 'inst.example', NULL, 2000, NULL, NULL, 2, 1500, '451 later', 1100),
    (7, 1, 'b@inst.example', 'inst.example', '192.0.2.9:25', 2000, NULL, NULL, 0, NULL, '', 1000),
    (7, 2, 'c@other.example', 'other.example', NULL, 0, 1700, 'refused', 1, 1700, '550 no', 1000);
  INSERT INTO attempt VALUES
    (1, 7, 1500, 'inst.example', 'mail.inst.example', '192.0.2.25', 'TLSv1.3', 'deferred', '451 later', 2.5);
  INSERT INTO order_record VALUES
    (1, 1600, 'eve (1000)', 'move', 'because', 'old-1', '["b@inst.example"]', '192.0.2.9:25');
`

/** Of each version. What it holds is the same, as far as that version could hold it. */
const versions: readonly string[] = [version1]

test('there is a text of every version', () => {
  assert.equal(versions.length, migrations.length)
})

for (const [index, sql] of versions.entries()) {
  test(`a spool of version ${index + 1} is opened by this one, and all of it is read`, async () => {
    await using temporary = await temporaryFolder()
    const folder = path.join(temporary.path, 'spool')
    await (await openTemporarySpool(temporary.path)).close()
    makeOld(path.join(folder, 'spool.db'), sql)
    const spool = await openTemporarySpool(temporary.path)
    try {
      const request = { domain: 'inst.example', nowMs: 2000, maxCount: 10 }
      const [lease] = await spool.lease(request)
      assert.ok(lease !== undefined)
      assert.equal(await textOf(lease), content)
      const { content: _content, ...rest } = lease
      assert.deepEqual(rest, {
        id: 'old-1',
        domain: 'inst.example',
        movedTo: null,
        reversePath: 's@sender.example',
        isSmtpUtf8: true,
        is8BitMime: true,
        receivedAtMs: 1000,
        clientAddress: '192.0.2.7',
        greetingName: 'mx.sender.example',
        recipients: [{ address: 'a@inst.example', attemptCount: 2, ageFromMs: 1100 }],
      })
      const { entryCount, waitingCount, heldCount } = await spool.stats()
      assert.deepEqual([entryCount, waitingCount, heldCount], [1, 2, 1])
    } finally {
      await spool.close()
    }
  })

  test(`people's tools read a spool of version ${index + 1}`, async () => {
    await using temporary = await temporaryFolder()
    makeOld(path.join(temporary.path, 'spool.db'), sql)
    const tools = openSpoolTools({ folder: temporary.path })
    const entry = tools.entry('old-1')
    assert.deepEqual(
      entry?.recipients.map(({ address, fate, movedTo }) => [address, fate, movedTo]),
      [
        ['a@inst.example', { kind: 'waiting', nextAttemptMs: 2000 }, null],
        ['b@inst.example', { kind: 'waiting', nextAttemptMs: 2000 }, '192.0.2.9:25'],
        ['c@other.example', { kind: 'held', reason: 'refused', sinceMs: 1700 }, null],
      ],
    )
    assert.equal(entry?.attempts.length, 1)
    assert.deepEqual(
      tools.orders(10).map(({ order, by, detail }) => [order, by, detail]),
      [['move', 'eve (1000)', '192.0.2.9:25']],
    )
    tools.close()
  })
}

test('an old one, migrated, has the very tables and indexes of a new one', () => {
  const fresh = new DatabaseSync(':memory:')
  assert.equal(migrate(fresh), null)
  for (const sql of versions) {
    const old = new DatabaseSync(':memory:')
    old.exec(sql)
    assert.equal(migrate(old), null)
    assert.deepEqual(shapeOf(old), shapeOf(fresh))
  }
})

test('a step that fails leaves the old version as it was', () => {
  const database = new DatabaseSync(':memory:')
  database.exec(version1)
  const before = shapeOf(database)
  const steps = [
    ...migrations.slice(0, 1),
    (each: DatabaseSync): void => each.exec('ALTER TABLE entry ADD COLUMN more TEXT'),
    (each: DatabaseSync): void => each.exec('ALTER TABLE nonsense ADD COLUMN more TEXT'),
  ]
  assert.throws(() => migrate(database, steps), /no such table/)
  assert.deepEqual(shapeOf(database), before)
  assert.equal(database.prepare('PRAGMA user_version').get()?.['user_version'], 1)
  assert.equal(schemaState(database, steps), 'older')
  assert.equal(migrate(database, steps.slice(0, 2)), null)
  assert.equal(schemaState(database, steps.slice(0, 2)), 'current')
})

function makeOld(file: string, sql: string): void {
  using database = new DatabaseSync(file)
  database.exec('DROP TABLE IF EXISTS attempt; DROP TABLE IF EXISTS order_record')
  database.exec('DROP TABLE IF EXISTS recipient; DROP TABLE IF EXISTS entry')
  database.exec(sql)
}

function shapeOf(database: DatabaseSync): readonly unknown[] {
  return database
    .prepare('SELECT type, name, sql FROM sqlite_schema ORDER BY type, name')
    .all()
    .map(({ type, name, sql }) => [type, name, String(sql).replaceAll(/\s+/g, ' ')])
}

async function textOf(lease: Lease): Promise<string> {
  const reader = lease.content?.open()
  const pieces = (await reader?.next()) ?? []
  reader?.close()
  return Buffer.concat(pieces).toString()
}
