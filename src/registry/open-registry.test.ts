import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { chownSync, mkdtempSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { test, type TestContext } from 'node:test'
import { systemClock } from '#base/clock.ts'
import { RegistryOpenError, RegistryWriteError } from './errors.ts'
import { migrate, migrations } from './migrations.ts'
import { openRegistry } from './open-registry.ts'
import type { Registry, RegistryEvent, ServedDomain } from './registry.ts'
import { createServedDomain, type DomainDocument } from './served-domain.ts'
import { unknownProfile, withMeasured } from './server-profile.ts'

test('what was put is found, listed by name, and still there after a restart', (t) => {
  const folder = temporaryFolder(t)
  const [a, b] = [served({ domain: 'a.example' }), served(fullDocument)]
  const first = open(t, folder)
  first.registry.put(b)
  first.registry.put(a)
  assert.deepEqual(first.registry.find('b.example'), b)
  first.registry.close()
  const second = open(t, folder).registry
  assert.deepEqual(second.list(), [a, b])
  assert.equal(second.find('c.example'), undefined)
  assert.equal(second.remove('a.example'), true)
  assert.equal(second.remove('a.example'), false)
  assert.deepEqual(second.list(), [b])
})

test('what was measured is kept beside the document, and bounded like it', (t) => {
  const folder = temporaryFolder(t)
  const profile = { ...unknownProfile, maxConnectionCount: 2, takesSmtpUtf8: false }
  const measured = { server: 'mail.a.example:25', atMs: 5, profile }
  const a = withMeasured(served({ domain: 'a.example' }), measured)
  const first = open(t, folder)
  first.registry.put(a)
  first.registry.close()
  const second = open(t, folder).registry
  assert.deepEqual(second.find('a.example'), a)
  const nothing = { ...measured, profile: { ...profile, maxConnectionCount: 0 } }
  assert.throws(() => second.put(withMeasured(a, nothing)), { code: 'invalid' })
})

test('folder and files are private', (t) => {
  const folder = join(temporaryFolder(t), 'made', 'here')
  open(t, folder).registry.put(served({ domain: 'a.example' }))
  const modes = ['', 'registry.db', 'registry.db-wal'].map(
    (name) => statSync(join(folder, name)).mode & 0o777,
  )
  assert.deepEqual(modes, [0o700, 0o600, 0o600])
})

test('files made by root belong to the owner of the folder, so the relay can open them', (t) => {
  const folder = temporaryFolder(t)
  const owner = process.getuid?.() === 0 ? 12_345 : statSync(folder).uid
  chownSync(folder, owner, statSync(folder).gid)
  open(t, folder).registry.put(served({ domain: 'a.example' }))
  for (const name of ['registry.db', 'registry.db-wal', 'registry.db-shm']) {
    assert.equal(statSync(join(folder, name)).uid, owner, name)
  }
})

test('a change through one handle is seen by the other within a second', async (t) => {
  const folder = temporaryFolder(t)
  const [writer, reader] = [open(t, folder), open(t, folder)]
  const a = served({ domain: 'a.example' })
  writer.registry.put(a)
  await within1s(() => reader.registry.find('a.example') !== undefined)
  assert.deepEqual(reader.registry.find('a.example'), a)
  writer.registry.remove('a.example')
  await within1s(() => reader.registry.find('a.example') === undefined)
  const changed = { kind: 'registry-changed', domains: ['a.example'] }
  assert.deepEqual(reader.events, [changed, changed])
  assert.deepEqual(writer.events, [changed, changed])
})

test('a change by another process is seen within a second', async (t) => {
  const folder = temporaryFolder(t)
  const { registry } = open(t, folder)
  const script = `
    const { openRegistry } = await import('#registry/open-registry.ts')
    const { createServedDomain } = await import('#registry/served-domain.ts')
    const clock = { now: () => 5, monotonicMs: () => 5 }
    const registry = openRegistry({ folder: process.argv[1], clock, emit: () => {} })
    registry.put(createServedDomain({ domain: 'a.example', to: ['b.example'] }, 5).value)
    registry.close()`
  const child = spawn(process.execPath, ['--input-type=module', '-e', script, folder], {
    cwd: import.meta.dirname,
    stdio: ['ignore', 'inherit', 'inherit'],
  })
  const [code] = await once(child, 'exit')
  assert.equal(code, 0)
  await within1s(() => registry.find('a.example') !== undefined)
  assert.equal(registry.find('a.example')?.createdAtMs, 5)
})

test('apply is all or none', (t) => {
  const folder = temporaryFolder(t)
  const { registry, events } = open(t, folder)
  const [a, b] = [served({ domain: 'a.example' }), served({ domain: 'b.example' })]
  registry.put(a)
  const handMade = { ...b, route: { ...b.route, id: 'made by hand' } }
  assert.throws(
    () =>
      registry.apply([
        { kind: 'remove', domain: 'a.example' },
        { kind: 'put', domain: handMade },
      ]),
    (error) => error instanceof RegistryWriteError && error.code === 'invalid',
  )
  assert.deepEqual(registry.list(), [a])
  registry.apply([
    { kind: 'remove', domain: 'a.example' },
    { kind: 'put', domain: b },
  ])
  assert.deepEqual(registry.list(), [b])
  assert.deepEqual(open(t, folder).registry.list(), [b])
  assert.deepEqual(events.at(-1), {
    kind: 'registry-changed',
    domains: ['a.example', 'b.example'],
  })
})

test('a store that cannot be written: a typed error, and memory is as it was', (t) => {
  const folder = temporaryFolder(t)
  const { registry } = open(t, folder)
  damage(
    folder,
    `CREATE TRIGGER no BEFORE INSERT ON served_domain BEGIN SELECT raise(ABORT, 'no'); END`,
  )
  assert.throws(
    () => registry.put(served({ domain: 'a.example' })),
    (error) =>
      error instanceof RegistryWriteError &&
      error.code === 'failed' &&
      error.cause instanceof Error,
  )
  assert.equal(registry.find('a.example'), undefined)
  registry.close()
  assert.throws(
    () => registry.put(served({ domain: 'a.example' })),
    (error) => error instanceof RegistryWriteError && error.code === 'closed',
  )
})

test('a damaged row keeps its last good state and is reported once', async (t) => {
  const folder = temporaryFolder(t)
  const { registry, events } = open(t, folder)
  const [a, b] = [served({ domain: 'a.example' }), served({ domain: 'b.example' })]
  registry.apply([
    { kind: 'put', domain: a },
    { kind: 'put', domain: b },
  ])
  damage(folder, `UPDATE served_domain SET document = '{"domain":' WHERE domain = 'a.example'`)
  await within1s(() => events.some((event) => event.kind === 'registry-unreadable'))
  assert.deepEqual(registry.list(), [a, b])
  damage(folder, `DELETE FROM served_domain WHERE domain = 'b.example'`)
  await within1s(() => registry.find('b.example') === undefined)
  assert.deepEqual(registry.find('a.example'), a)
  const reports = events.filter((event) => event.kind === 'registry-unreadable')
  assert.equal(reports.length, 1)
  assert.match(reports[0]?.error ?? '', /^a\.example: .*JSON/)
})

test('a row damaged before the start answers 451, not 550: it is served as suspended', (t) => {
  const folder = temporaryFolder(t)
  const first = open(t, folder).registry
  first.put(served({ domain: 'a.example' }))
  first.close()
  damage(folder, `UPDATE served_domain SET document = '{"domain":"a.example","to":["x y"]}'`)
  const { registry, events } = open(t, folder)
  assert.match(registry.find('a.example')?.suspension?.reason ?? '', /unreadable: to\.0: "x y"/)
  assert.equal(registry.find('a.example')?.route.id, 'unreadable.invalid:25 tls=opportunistic')
  assert.equal(events[0]?.kind, 'registry-unreadable')
  registry.put(served({ domain: 'a.example' }))
  assert.equal(registry.find('a.example')?.suspension, null)
})

test('a file that is no database is refused with what to do', (t) => {
  const folder = temporaryFolder(t)
  writeFileSync(join(folder, 'registry.db'), 'Not a database. '.repeat(500))
  assertRefused(folder, 'corrupt', /registry\.db is damaged .*move it away/)
})

test('a database with a damaged page is refused', (t) => {
  const folder = temporaryFolder(t)
  const { registry } = open(t, folder)
  for (let index = 0; index < 200; index += 1) {
    registry.put(served({ domain: `d${index}.example`, contact: 'x'.repeat(200) }))
  }
  registry.close()
  const { size } = statSync(join(folder, 'registry.db'))
  truncateSync(join(folder, 'registry.db'), size - 4096 * 3)
  assertRefused(folder, 'corrupt', /is damaged/)
})

test('a database of something else is refused and left alone', (t) => {
  const folder = temporaryFolder(t)
  damage(folder, 'CREATE TABLE theirs (x)')
  assertRefused(folder, 'foreign', /not a registry of Pforte/)
  damage(folder, `PRAGMA user_version = ${migrations.length}`)
  assertRefused(folder, 'foreign', /not a registry of Pforte/)
})

test('a newer version is refused', (t) => {
  const folder = temporaryFolder(t)
  open(t, folder).registry.close()
  damage(folder, 'PRAGMA user_version = 99')
  assertRefused(folder, 'newer', /has version 99, this Pforte knows versions up to/)
})

test('a folder that cannot be made is refused', (t) => {
  const folder = join(temporaryFolder(t), 'file')
  writeFileSync(folder, '')
  assertRefused(folder, 'inaccessible', /cannot be opened/)
})

// The schema as version 1 wrote it, never to be changed: every later Pforte has to open it.
const version1 = `
  PRAGMA application_id = 1348891252;
  CREATE TABLE migration (version INTEGER PRIMARY KEY, applied_at_ms INTEGER NOT NULL) STRICT;
  INSERT INTO migration VALUES (1, 1000);
  CREATE TABLE served_domain (
    domain TEXT NOT NULL PRIMARY KEY,
    document TEXT NOT NULL,
    suspended_at_ms INTEGER,
    created_at_ms INTEGER NOT NULL,
    changed_at_ms INTEGER NOT NULL
  ) STRICT, WITHOUT ROWID;
  INSERT INTO served_domain VALUES
    ('a.example', '{"domain":"a.example","to":["mail.a.example:25"],"suspended":true}', 7, 5, 6);
  PRAGMA user_version = 1;`

test('a file of version 1 is migrated to the current version', (t) => {
  const folder = temporaryFolder(t)
  damage(folder, version1)
  const { registry } = open(t, folder)
  const domain = registry.find('a.example')
  assert.deepEqual(domain?.suspension, { reason: '', sinceMs: 7 })
  assert.deepEqual([domain.createdAtMs, domain.changedAtMs], [5, 6])
  assert.equal(query(folder, 'PRAGMA user_version')['user_version'], migrations.length)
})

test('migrating runs only the missing steps, records them, and is all or nothing', (t) => {
  const folder = temporaryFolder(t)
  damage(folder, version1)
  const path = join(folder, 'registry.db')
  const database = new DatabaseSync(path)
  t.after(() => database.close())
  const fail = (): void => {
    database.exec('DELETE FROM served_domain')
    throw new Error('half way')
  }
  assert.throws(() => migrate(database, [...migrations, fail], path, 2000), /half way/)
  assert.equal(query(folder, 'SELECT count(*) AS n FROM served_domain')['n'], 1)
  const next = (): void => database.exec('ALTER TABLE served_domain ADD COLUMN note TEXT')
  migrate(database, [...migrations, next], path, 2000)
  assert.deepEqual(
    { ...query(folder, 'SELECT * FROM migration ORDER BY version DESC') },
    {
      version: migrations.length + 1,
      applied_at_ms: 2000,
    },
  )
})

test('several processes may create the registry at the same moment', async (t) => {
  const folder = temporaryFolder(t)
  const script = `
    const { openRegistry } = await import('#registry/open-registry.ts')
    const clock = { now: () => 5, monotonicMs: () => 5 }
    openRegistry({ folder: process.argv[1], clock, emit: () => {} }).close()`
  const children = Array.from({ length: 6 }, () =>
    spawn(process.execPath, ['--input-type=module', '-e', script, folder], {
      cwd: import.meta.dirname,
      stdio: ['ignore', 'inherit', 'inherit'],
    }),
  )
  const codes = await Promise.all(children.map(async (child) => (await once(child, 'exit'))[0]))
  assert.deepEqual(codes, [0, 0, 0, 0, 0, 0])
})

const fullDocument: Partial<DomainDocument> & { readonly domain: string } = {
  domain: 'b.example',
  to: ['mail.b.example:25', 'mx:b.example'],
  callout: ['mail.b.example:2525'],
  tls: 'verify',
  maxSize: '50MiB',
  subaddressSeparator: '+',
  replyPatterns: [{ text: '*nobody*', means: 'no-such-mailbox' }],
  suspended: 'moving',
  contact: 'Bärbel, +49 89 1234',
}

function served(document: Partial<DomainDocument> & { readonly domain: string }): ServedDomain {
  const result = createServedDomain({ to: [`mail.${document.domain}`], ...document }, 1000)
  assert.ok(result.ok)
  return result.value
}

function open(t: TestContext, folder: string): { registry: Registry; events: RegistryEvent[] } {
  const events: RegistryEvent[] = []
  const emit = (event: RegistryEvent): void => void events.push(event)
  const registry = openRegistry({ folder, clock: systemClock, emit })
  t.after(() => registry.close())
  return { registry, events }
}

function assertRefused(folder: string, code: string, message: RegExp): void {
  assert.throws(
    () => openRegistry({ folder, clock: systemClock, emit: () => {} }),
    (error) => {
      assert.ok(error instanceof RegistryOpenError)
      assert.equal(error.code, code)
      assert.match(error.message, message)
      return true
    },
  )
}

/** Changes the file behind the registry's back. */
function damage(folder: string, statement: string): void {
  const database = new DatabaseSync(join(folder, 'registry.db'))
  database.exec(statement)
  database.close()
}

function query(folder: string, statement: string): Record<string, unknown> {
  const database = new DatabaseSync(join(folder, 'registry.db'))
  const row = database.prepare(statement).get() ?? {}
  database.close()
  return row
}

async function within1s(isDone: () => boolean): Promise<void> {
  const deadline = performance.now() + 1000
  while (!isDone()) {
    assert.ok(performance.now() < deadline, 'not within a second')
    await new Promise((resolve) => setTimeout(resolve, 5))
  }
}

function temporaryFolder(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'pforte-registry-'))
  t.after(() => rmSync(folder, { recursive: true, force: true }))
  return folder
}
