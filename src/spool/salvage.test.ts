// Damage of every page, of the header, of the length; and files that are not damaged, but not ours.

import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { test } from 'node:test'
import { crc32 } from 'node:zlib'
import { fillSpool } from '../../test/support/spool-file.ts'
import { temporaryFolder } from '../../test/support/temporary-folder.ts'
import type { LeaseRow, Salvage, SpoolAnswers, SpoolRead, SpoolWrite } from './messages.ts'
import { SpoolError } from './spool.ts'
import { newEntry } from '../../test/support/new-entry.ts'
import { Writer, type Outcome } from './writer.ts'

const pageBytes = 4096
const entryCount = 50
const domain = 'inst.example'
const leaseAll: SpoolRead = { kind: 'lease', request: { domain, nowMs: 1, maxCount: 1000 } }

/** The bytes of a database with 50 entries, some of whose contents are longer than a page. */
const healthy: Promise<Buffer> = makeDatabase()

async function makeDatabase(): Promise<Buffer> {
  await using temporary = await temporaryFolder()
  const due = { kind: 'waiting', nextAttemptMs: 0 } as const
  fillSpool(
    temporary.path,
    Array.from({ length: entryCount }, (_, index) => ({
      id: nameOf(index),
      recipients: addressesOf(index).map((address) => ({ address, fate: due })),
      content: contentOf(index),
    })),
  )
  return readFileSync(path.join(temporary.path, 'spool.db'))
}

function nameOf(index: number): string {
  return `entry-${index}`
}

function addressesOf(index: number): readonly string[] {
  return [`a${index}@${domain}`, `b${index}@${domain}`]
}

function contentOf(index: number): string {
  return `Subject: ${index}\r\n\r\n${'x'.repeat(index % 10 === 0 ? 13_000 : 300)}\r\n.\r\n`
}

/** A writer in a folder whose database is `bytes`, and what it did about it. */
class Survivor {
  readonly folder: string
  readonly salvages: Salvage[] = []
  #writer: Writer

  constructor(folder: string, bytes: Buffer, isGone = false) {
    this.folder = folder
    const file = path.join(folder, 'spool.db')
    if (isGone) rmSync(file, { force: true })
    else writeFileSync(file, bytes)
    this.#writer = this.#open()
  }

  get counts(): readonly (readonly [kept: number, lost: number])[] {
    return this.salvages.map(({ keptCount, lostCount }) => [keptCount, lostCount])
  }

  /** As the relay does: what fails works when the spool has been opened again. */
  get leases(): readonly LeaseRow[] {
    this.#untilItWorks(() => this.#writer.read({ kind: 'stats' }))
    this.#untilItWorks(() => this.#writer.read({ kind: 'due' }))
    return this.#untilItWorks(() => this.#writer.read(leaseAll)) as readonly LeaseRow[]
  }

  /** It is of use: it takes mail, and opens again. */
  proveWorking(): void {
    const entry = newEntry('new', ['new@other.example'])
    const content = { prefix: new Uint8Array(), fileOffset: null, sizeBytes: 0, crc: 0 }
    const write: SpoolWrite = { kind: 'commit', entry: { ...entry, content } }
    this.#untilItWorks(() => this.#writer.writeAll([write])[0])
    this.#writer.close()
    this.#writer = this.#open()
    const request = { domain: 'other.example', nowMs: 1, maxCount: 1 }
    const found = this.#untilItWorks(() => this.#writer.read({ kind: 'lease', request }))
    assert.deepEqual(
      (found as readonly LeaseRow[]).map(({ id }) => id),
      ['new'],
    )
    this.#writer.close()
  }

  #open(): Writer {
    const writer = new Writer({ folder: this.folder, maxDelayMs: 3_600_000 })
    this.#recover(writer)
    return writer
  }

  /** Once more, if need be, as the spool does. */
  #recover(writer: Writer): void {
    for (let round = 0; ; round += 1) {
      try {
        const { salvage } = writer.recover()
        if (salvage !== null) this.salvages.push(salvage)
        return
      } catch (error) {
        assert.ok(error instanceof SpoolError, String(error))
        assert.equal(error.kind, 'damaged', error.message)
        assert.equal(round, 0, 'it goes round in circles')
      }
    }
  }

  #untilItWorks<Value extends SpoolAnswers[keyof SpoolAnswers]>(
    work: () => Outcome<Value> | undefined,
  ): Value {
    for (let round = 0; round < 3; round += 1) {
      const outcome = work()
      assert.ok(outcome !== undefined)
      if (outcome.ok) return outcome.value
      assert.notEqual(this.#writer.stoppedBy, null, outcome.failure.message)
      this.#recover(this.#writer)
    }
    throw new Error('it goes round in circles')
  }
}

/** The same for the same page. */
function noise(page: number): Buffer {
  return createHash('shake256', { outputLength: pageBytes }).update(`page ${page}`).digest()
}

function isWhole({ id, recipients, content }: LeaseRow): boolean {
  const index = Number(id.slice('entry-'.length))
  return (
    recipients.map(({ address }) => address).join() === addressesOf(index).join() &&
    content.crc === crc32(content.prefix) &&
    Buffer.from(content.prefix).toString() === contentOf(index)
  )
}

/** The entries of which SQLite reads all, whatever it says of the others. */
function readableIn(file: string): readonly string[] {
  using database = new DatabaseSync(file, { readOnly: true })
  return Array.from({ length: entryCount }, (_, index) => index).flatMap((index) => {
    try {
      const entry = database.prepare('SELECT id, prefix FROM entry WHERE number = ?').get(index + 1)
      const recipients = database
        .prepare('SELECT address FROM recipient WHERE entry = ?')
        .all(index + 1)
      const isSame =
        entry?.['id'] === nameOf(index) &&
        Buffer.from(entry['prefix'] as Uint8Array).toString() === contentOf(index) &&
        recipients.map(({ address }) => address).join() === addressesOf(index).join()
      return isSame ? [nameOf(index)] : []
    } catch {
      return []
    }
  })
}

test('whichever page is scribbled over, everything that can be read is kept', async () => {
  const bytes = await healthy
  const lostCounts: number[] = []
  for (let page = 1; page < bytes.length / pageBytes; page += 1) {
    await using temporary = await temporaryFolder()
    const scribbled = Buffer.from(bytes)
    noise(page).copy(scribbled, page * pageBytes)
    const survivor = new Survivor(temporary.path, scribbled)
    const whole = new Set(survivor.leases.filter(isWhole).map(({ id }) => id))
    survivor.proveWorking()
    lostCounts.push(entryCount - whole.size)
    const [salvage] = survivor.salvages
    if (salvage === undefined) continue
    assert.equal(salvage.file, path.join(temporary.path, 'spool.db.damaged-1'))
    assert.ok(readFileSync(salvage.file).equals(scribbled), 'the old file is not as it was')
    const missing = readableIn(salvage.file).filter((id) => !whole.has(id))
    assert.deepEqual(missing, [], `page ${page + 1}: these could be read`)
  }
  assert.ok(lostCounts.filter((count) => count > 0).length > 10, 'hardly any page was of use')
  const [most = 0, second = 0, third = 0] = lostCounts.toSorted((a, b) => b - a)
  assert.deepEqual([most, second], [entryCount, entryCount], 'the roots of entries and recipients')
  assert.ok(third <= entryCount / 2 + 1, `one page takes ${third} entries with it`)
})

test('the content of a mail cannot be read: its envelope is kept, to go to the hold', async () => {
  const bytes = Buffer.from(await healthy)
  // In front of each page of a long content stands the number of the next one.
  const overflow = Array.from({ length: bytes.length / pageBytes }, (_, page) => page * pageBytes)
    .filter((at) => bytes.subarray(at + 4, at + pageBytes).every((byte) => byte === 0x78))
    .at(-1)
  assert.ok(overflow !== undefined)
  bytes.fill(0xff, overflow, overflow + 4)
  await using temporary = await temporaryFolder()
  const survivor = new Survivor(temporary.path, bytes)
  const { leases } = survivor
  const [damaged, ...others] = leases.filter((lease) => !isWhole(lease))
  assert.equal(leases.length, entryCount)
  assert.deepEqual(others, [])
  assert.equal(damaged?.recipients.length, 2)
  assert.deepEqual(damaged.content.prefix.length, 0)
  assert.deepEqual(survivor.counts, [[entryCount - 1, 1]])
  survivor.proveWorking()
})

for (const [name, damage, fewest] of [
  ['its header is scribbled over', (bytes: Buffer) => bytes.fill(0xa5, 0, 100), 0],
  ['its last four pages are missing', (bytes: Buffer) => bytes.subarray(0, -4 * pageBytes), 25],
  ['its last half page is missing', (bytes: Buffer) => bytes.subarray(0, -pageBytes / 2), 40],
  ['its first page is all there is', (bytes: Buffer) => bytes.subarray(0, pageBytes), 0],
  [
    'it is something else',
    () => Buffer.from('this is not a database, but a text\n'.repeat(200)),
    0,
  ],
] as const) {
  test(`the database is damaged, ${name}: it is kept, and the spool is of use`, async () => {
    const damaged = damage(Buffer.from(await healthy))
    await using temporary = await temporaryFolder()
    const survivor = new Survivor(temporary.path, damaged)
    const whole = survivor.leases.filter(isWhole)
    assert.ok(whole.length >= fewest, `only ${whole.length} are whole`)
    survivor.proveWorking()
    assert.deepEqual(
      survivor.salvages.map(({ keptCount, file }) => [keptCount, path.basename(file)]),
      [[whole.length, 'spool.db.damaged-1']],
    )
    assert.ok(readFileSync(path.join(temporary.path, 'spool.db.damaged-1')).equals(damaged))
  })
}

for (const name of ['empty', 'gone']) {
  test(`the database is ${name}, but contents are there: they are kept`, async () => {
    await using temporary = await temporaryFolder()
    mkdirSync(path.join(temporary.path, 'content'))
    writeFileSync(path.join(temporary.path, 'content', 'entry-1'), 'a large content')
    const survivor = new Survivor(temporary.path, Buffer.alloc(0), name === 'gone')
    assert.deepEqual(survivor.leases, [])
    assert.deepEqual(survivor.counts, [[0, 0]])
    const kept = path.join(temporary.path, 'spool.db.damaged-1-content', 'entry-1')
    assert.equal(readFileSync(kept, 'utf8'), 'a large content')
    survivor.proveWorking()
  })
}

test('the log of an empty database is kept: SQLite would remove it', async () => {
  await using temporary = await temporaryFolder()
  writeFileSync(path.join(temporary.path, 'spool.db-wal'), 'what was in the log')
  const survivor = new Survivor(temporary.path, Buffer.alloc(0))
  survivor.proveWorking()
  const kept = path.join(temporary.path, 'spool.db.damaged-1-wal')
  assert.equal(readFileSync(kept, 'utf8'), 'what was in the log')
})

test('an empty file and nothing else is a spool that is being made', async () => {
  await using temporary = await temporaryFolder()
  const survivor = new Survivor(temporary.path, Buffer.alloc(0))
  survivor.proveWorking()
  assert.deepEqual(survivor.salvages, [])
})

test('contents whose entries are lost are kept with the old database, those of others stay', async () => {
  await using temporary = await temporaryFolder()
  const large = 'Subject: large\r\n\r\n' + 'y'.repeat(5000)
  const due = { kind: 'waiting', nextAttemptMs: 0 } as const
  fillSpool(
    temporary.path,
    Array.from({ length: 100 }, (_, index) => ({
      id: nameOf(index),
      recipients: [{ address: `a@${domain}`, fate: due }],
      content: large,
      prefixBytes: 300,
    })),
  )
  const file = path.join(temporary.path, 'spool.db')
  const bytes = readFileSync(file)
  // The page of entries 1 to n, found by what only it contains.
  const page = Math.floor(bytes.lastIndexOf(`${nameOf(0)}bob@`) / pageBytes)
  assert.ok(page > 0)
  bytes.fill(0xa5, page * pageBytes, (page + 1) * pageBytes)
  const survivor = new Survivor(temporary.path, bytes)
  const kept = new Set(survivor.leases.map(({ id }) => id))
  assert.ok(kept.size > 50 && kept.size < 100, `${kept.size} are left`)
  const aside = new Set(readdirSync(path.join(temporary.path, 'spool.db.damaged-1-content')))
  assert.deepEqual(
    [...kept].filter((id) => aside.has(id)),
    [],
  )
  assert.equal(kept.size + aside.size, 100)
})

test('killed before the new database is in place: the next start puts it there', async () => {
  const bytes = await healthy
  await using temporary = await temporaryFolder()
  const salvaged = path.join(temporary.path, 'spool.db.salvaged')
  writeFileSync(salvaged, bytes)
  writeFileSync(path.join(temporary.path, 'spool.db-wal'), 'of the old one')
  const survivor = new Survivor(temporary.path, Buffer.from('the old one'))
  assert.equal(survivor.leases.filter(isWhole).length, entryCount)
  assert.deepEqual(survivor.salvages, [])
  assert.equal(existsSync(salvaged), false)
})

test('killed while the new database is built: the next start begins again', async () => {
  const bytes = Buffer.from(await healthy).fill(0xa5, 12 * pageBytes, 13 * pageBytes)
  await using temporary = await temporaryFolder()
  writeFileSync(path.join(temporary.path, 'spool.db.salvaging'), 'half of it')
  const survivor = new Survivor(temporary.path, bytes)
  assert.ok(survivor.leases.length >= entryCount - 1)
  assert.equal(survivor.salvages.length, 1)
  assert.deepEqual(
    readdirSync(temporary.path).filter((name) => name.includes('salvag')),
    [],
  )
})

test('salvaged twice: the first old database is still there', async () => {
  const bytes = Buffer.from(await healthy).fill(0xa5, 12 * pageBytes, 13 * pageBytes)
  await using temporary = await temporaryFolder()
  const first = new Survivor(temporary.path, bytes)
  assert.ok(first.leases.length > 0)
  first.proveWorking()
  const survivor = new Survivor(temporary.path, bytes)
  assert.equal(survivor.leases.length > 0, true)
  assert.deepEqual(
    survivor.salvages.map(({ file }) => path.basename(file)),
    ['spool.db.damaged-2'],
  )
  assert.ok(readFileSync(path.join(temporary.path, 'spool.db.damaged-1')).equals(bytes))
})

for (const [name, make, problem] of [
  ['of something else', 'CREATE TABLE entry (number)', /a database, but not a spool of Pforte/],
  [
    'of a newer Pforte',
    `CREATE TABLE entry (number); PRAGMA application_id = ${0x50667370}; PRAGMA user_version = 99`,
    /written by a newer Pforte: run that one/,
  ],
] as const) {
  test(`a database ${name} is refused, and neither changed nor salvaged`, async () => {
    await using temporary = await temporaryFolder()
    const file = path.join(temporary.path, 'spool.db')
    const database = new DatabaseSync(file)
    database.exec(make)
    database.close()
    const before = readFileSync(file)
    const writer = new Writer({ folder: temporary.path, maxDelayMs: 1 })
    for (let round = 0; round < 2; round += 1) {
      assert.throws(
        () => writer.recover(),
        (error) =>
          error instanceof SpoolError && error.kind === 'invalid' && problem.test(error.message),
      )
    }
    assert.ok(readFileSync(file).equals(before))
    assert.deepEqual(readdirSync(temporary.path), ['spool.db'])
  })
}
