// What goes wrong in the thread of the spool, as far as the database can be made to fail by itself; what a
// disk does is in test/faults/.

import assert from 'node:assert/strict'
import { mkdirSync, statSync } from 'node:fs'
import path from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { test } from 'node:test'
import { newAttempt, newEntry } from '../../test/support/new-entry.ts'
import { temporaryFolder } from '../../test/support/temporary-folder.ts'
import { openDatabase } from './database.ts'
import type { EntryRow, LeaseRow, SpoolRead, SpoolWrite } from './messages.ts'
import { SpoolError } from './spool.ts'
import { Writer } from './writer.ts'

const domain = 'inst.example'

function commitOf(id: string, prefix = new Uint8Array([1, 2, 3])): SpoolWrite {
  const content = { prefix, fileOffset: null, sizeBytes: prefix.length, crc: 0 }
  const entry: EntryRow = { ...newEntry(id, [`a@${domain}`]), content }
  return { kind: 'commit', entry }
}

function relayedOf(id: string): SpoolWrite {
  const recipient = { address: `a@${domain}`, fate: { kind: 'relayed' }, reply: '250 ok' } as const
  const settlement = { recipients: [recipient], attempts: [newAttempt()] }
  return { kind: 'settle', id, domain, movedTo: null, settlement }
}

const hold: SpoolWrite = {
  kind: 'hold',
  which: { kind: 'domain', domain },
  reason: 'ordered',
  nowMs: 1,
}
const reads: readonly SpoolRead[] = [
  { kind: 'lease', request: { domain, nowMs: 1, maxCount: 1000 } },
  { kind: 'due' },
  { kind: 'stats' },
  { kind: 'filed' },
]

/** What was done to the group: `done`, or the kind of its failure. */
function outcomesOf(writer: Writer, writes: readonly SpoolWrite[]): readonly string[] {
  return writer.writeAll(writes).map((outcome) => (outcome.ok ? 'done' : outcome.failure.kind))
}

function idsIn(folder: string): readonly string[] {
  using database = new DatabaseSync(path.join(folder, 'spool.db'))
  return database
    .prepare('SELECT id FROM entry ORDER BY number')
    .all()
    .map(({ id }) => String(id))
}

interface Site extends AsyncDisposable {
  readonly folder: string
  readonly writer: Writer
  /** What is to be done to the next databases that are opened, in turn. */
  readonly openings: ((database: DatabaseSync) => void)[]
}

async function setUp(...openings: ((database: DatabaseSync) => void)[]): Promise<Site> {
  const temporary = await temporaryFolder()
  const folder = temporary.path
  const writer = new Writer({ folder, maxDelayMs: 3_600_000 }, (each) => {
    const database = openDatabase(each)
    openings.shift()?.(database)
    return database
  })
  return {
    folder,
    writer,
    openings,
    [Symbol.asyncDispose]: async () => {
      writer.close()
      await temporary[Symbol.asyncDispose]()
    },
  }
}

test('a spool that was not opened, or was stopped, refuses everything with the reason', async () => {
  await using site = await setUp()
  const { writer } = site
  const all = [commitOf('one'), relayedOf('one'), { kind: 'hurry', domain } as const, hold]
  assert.deepEqual(outcomesOf(writer, all), ['stopped', 'stopped', 'stopped', 'stopped'])
  writer.recover()
  assert.deepEqual(outcomesOf(writer, all), ['done', 'done', 'done', 'done'])
  writer.stop('the disk smells')
  writer.stop('another reason')
  assert.equal(writer.stoppedBy, 'the disk smells')
  for (const outcome of [...writer.writeAll(all), ...reads.map((call) => writer.read(call))]) {
    assert.ok(!outcome.ok)
    assert.equal(outcome.failure.kind, 'stopped')
    assert.equal(outcome.failure.message, 'the spool is stopped: the disk smells')
    assert.equal(outcome.failure.isUnclear, false)
  }
  writer.tidy(true)
  writer.recover()
  assert.equal(writer.stoppedBy, null)
  assert.deepEqual(outcomesOf(writer, [commitOf('two')]), ['done'])
})

test('a row that is refused fails alone', async () => {
  await using site = await setUp()
  site.writer.recover()
  const group = [commitOf('one'), commitOf('two'), commitOf('one'), commitOf('three')]
  assert.deepEqual(outcomesOf(site.writer, group), ['done', 'done', 'invalid', 'done'])
  assert.deepEqual(idsIn(site.folder), ['one', 'two', 'three'])
  assert.equal(site.writer.stoppedBy, null)
})

test('the database is locked for too long: nothing was written, and the spool stays open', async () => {
  await using site = await setUp((database) => database.exec('PRAGMA busy_timeout = 50'))
  site.writer.recover()
  const other = new DatabaseSync(path.join(site.folder, 'spool.db'))
  other.exec('BEGIN IMMEDIATE')
  const [outcome] = site.writer.writeAll([commitOf('one')])
  assert.ok(outcome?.ok === false)
  assert.deepEqual([outcome.failure.kind, outcome.failure.isUnclear], ['io', false])
  assert.match(outcome.failure.message, /locked/)
  assert.equal(site.writer.read({ kind: 'due' }).ok, true)
  other.exec('COMMIT')
  other.close()
  assert.deepEqual(outcomesOf(site.writer, [commitOf('two')]), ['done'])
  assert.deepEqual(idsIn(site.folder), ['two'])
})

test('the disk is full: the whole group fails, what was there stays, and smaller things go on', async () => {
  await using site = await setUp((database) => database.exec('PRAGMA max_page_count = 60'))
  const { writer } = site
  writer.recover()
  assert.deepEqual(outcomesOf(writer, [commitOf('small')]), ['done'])
  const large = commitOf('large', new Uint8Array(250_000))
  const group = writer.writeAll([commitOf('before'), large, relayedOf('small')])
  assert.deepEqual(
    group.map((outcome) => !outcome.ok && [outcome.failure.kind, outcome.failure.isUnclear]),
    [
      ['full', false],
      ['full', false],
      ['full', false],
    ],
  )
  assert.equal(writer.stoppedBy, null)
  assert.deepEqual(idsIn(site.folder), ['small'])
  assert.deepEqual(outcomesOf(writer, [relayedOf('small'), commitOf('after')]), ['done', 'done'])
  assert.deepEqual(idsIn(site.folder), ['after'])
})

test('it cannot write any more: the group is certainly absent, and recover opens again', async () => {
  await using site = await setUp((database) => database.exec('PRAGMA query_only = ON'))
  const { writer } = site
  writer.recover()
  const [outcome] = writer.writeAll([commitOf('one')])
  assert.ok(outcome?.ok === false)
  assert.deepEqual([outcome.failure.kind, outcome.failure.isUnclear], ['io', false])
  assert.match(writer.stoppedBy ?? '', /cannot write to the spool: .*readonly/)
  assert.deepEqual(outcomesOf(writer, [commitOf('two')]), ['stopped'])
  assert.deepEqual(writer.recover(), { entryCount: 0, salvage: null })
  assert.deepEqual(outcomesOf(writer, [commitOf('three')]), ['done'])
  assert.deepEqual(idsIn(site.folder), ['three'])
})

test('nor can it be opened to look: the group is unclear, and absent after recover', async () => {
  const fail = (): void => {
    throw new Error('the disk is away')
  }
  /** The group gets onto the disk, but the answer is that it did not. */
  const failBehind = (database: DatabaseSync): void => {
    const exec = database.exec.bind(database)
    database.exec = (sql) => {
      exec(sql)
      if (sql === 'COMMIT') throw Object.assign(new Error('disk I/O error'), { errcode: 10 })
    }
  }
  await using site = await setUp(failBehind, fail, fail)
  const { writer, folder } = site
  writer.recover()
  const [outcome] = writer.writeAll([commitOf('one')])
  assert.ok(outcome?.ok === false)
  assert.deepEqual([outcome.failure.kind, outcome.failure.isUnclear], ['io', true])
  assert.deepEqual(idsIn(folder), ['one'], 'this one is durable, and nobody knows')
  assert.throws(() => writer.recover(), SpoolError)
  assert.deepEqual(writer.recover(), { entryCount: 0, salvage: null })
  assert.deepEqual(idsIn(folder), [])
})

test('leases survive a stop: the deliverer still has the mail', async () => {
  await using site = await setUp()
  const { writer } = site
  const lease: SpoolRead = { kind: 'lease', request: { domain, nowMs: 1, maxCount: 1 } }
  const leased = (): readonly string[] => {
    const outcome = writer.read(lease)
    assert.ok(outcome.ok)
    return (outcome.value as readonly LeaseRow[]).map(({ id }) => id)
  }
  writer.recover()
  writer.writeAll([commitOf('one'), commitOf('two')])
  assert.deepEqual(leased(), ['one'])
  writer.stop('a while')
  writer.recover()
  assert.deepEqual(leased(), ['two'])
  writer.stop('a while')
  assert.deepEqual(outcomesOf(writer, [relayedOf('one')]), ['stopped'])
  writer.recover()
  assert.deepEqual(leased(), [], 'a settle that failed does not end the lease')
  assert.deepEqual(outcomesOf(writer, [relayedOf('one')]), ['done'])
  assert.deepEqual(idsIn(site.folder), ['two'])
})

test('it cannot be opened: a SpoolError says what is in the way', async () => {
  await using temporary = await temporaryFolder()
  mkdirSync(path.join(temporary.path, 'spool.db'))
  const writer = new Writer({ folder: temporary.path, maxDelayMs: 1 })
  assert.throws(
    () => writer.recover(),
    (error) =>
      error instanceof SpoolError && error.kind === 'io' && /spool\.db/.test(error.message),
  )
})

test('the log is brought into the database when it has grown', async () => {
  await using site = await setUp()
  const { writer, folder } = site
  writer.recover()
  const sizeOf = (name: string): number => statSync(path.join(folder, name)).size
  const before = sizeOf('spool.db')
  writer.writeAll([commitOf('small')])
  writer.tidy(true)
  assert.equal(sizeOf('spool.db'), before, 'not for each mail')
  const large = Array.from({ length: 40 }, (_, index) =>
    commitOf(`large-${index}`, new Uint8Array(250_000)),
  )
  writer.writeAll(large)
  writer.tidy(false)
  assert.equal(sizeOf('spool.db'), before, 'others wait')
  writer.tidy(true)
  assert.ok(sizeOf('spool.db') > 40 * 250_000)
})

test('after an outage the file gives its room back, step by step', async () => {
  await using site = await setUp()
  const { writer, folder } = site
  writer.recover()
  const sizeOf = (): number => statSync(path.join(folder, 'spool.db')).size
  const ids = Array.from({ length: 120 }, (_, index) => `entry-${index}`)
  writer.writeAll(ids.map((id) => commitOf(id, new Uint8Array(250_000))))
  writer.tidy(true)
  const full = sizeOf()
  assert.ok(full > 30_000_000)
  writer.writeAll(ids.slice(0, -1).map(relayedOf))
  await new Promise((resolve) => setTimeout(resolve, 1100))
  writer.tidy(false)
  assert.equal(sizeOf(), full, 'not while somebody waits')
  writer.tidy(true)
  const once = sizeOf()
  const pageCount = (full - once) / 4096
  assert.ok(pageCount >= 2048 && pageCount < 2060, `${pageCount} pages at once`)
  writer.tidy(true)
  assert.equal(sizeOf(), once, 'not twice in a second')
  await new Promise((resolve) => setTimeout(resolve, 1100))
  writer.tidy(true)
  assert.ok(sizeOf() < once)
  assert.deepEqual(idsIn(folder), ['entry-119'])
})
