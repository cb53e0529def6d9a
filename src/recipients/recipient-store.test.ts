import assert from 'node:assert/strict'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { test, type TestContext } from 'node:test'
import { peerReply, scriptedNextHops } from '../../test/support/scripted-next-hops.ts'
import { temporaryFolder } from '../../test/support/temporary-folder.ts'
import { emptyEntry, type RecipientEntry } from './entry.ts'
import { openRecipientStore, RecipientStoreError, type RecipientStore } from './recipient-store.ts'
import type { ForeignChange } from './store-changes.ts'
import { storeFileName } from './store-schema.ts'

interface Opened {
  readonly store: RecipientStore
  readonly failures: string[]
  readonly changes: ForeignChange[]
  readonly time: { ms: number }
}

/** The ticks of the store are turned by hand: `tick(context)`. */
function open(context: TestContext, folder: string, maxEntriesPerDomain = 100): Opened {
  const failures: string[] = []
  const changes: ForeignChange[] = []
  const time = { ms: 1_000_000 }
  const store = openRecipientStore({
    folder,
    clock: { now: () => time.ms, monotonicMs: () => time.ms },
    onFailure: (error) => failures.push(error),
    onForeignChange: (change) => changes.push(change),
    maxEntriesPerDomain,
    keepMs: 500_000,
  })
  context.after(() => {
    store.close()
  })
  return { store, failures, changes, time }
}

function handTurned(context: TestContext): () => void {
  context.mock.timers.enable({ apis: ['setInterval'] })
  return () => {
    context.mock.timers.tick(1000)
  }
}

function asked(local: string, kind: 'positive' | 'negative', atMs = 1_000_000): RecipientEntry {
  const outcome = kind === 'positive' ? 'deliverable' : 'undeliverable'
  const reply = peerReply('550 5.1.1 unknown')
  const common = { atMs, routeId: 'r' }
  return {
    ...emptyEntry('inst.example', local),
    standing:
      kind === 'positive'
        ? { kind, ...common }
        : { kind, ...common, server: 'mail.inst.example', reply },
    refusedAtMs: kind === 'positive' ? 5 : null,
    last: {
      outcome,
      source: 'probe',
      reply: 'words',
      stage: 'rcpt',
      nextHop: { ...scriptedNextHops().facts, tls: 'TLSv1.3' },
      atMs,
      tookMs: 1.5,
    },
  }
}

test('what was put comes back after a restart, to the last field', async (context) => {
  await using folder = await temporaryFolder()
  const first = open(context, folder.path).store
  const entries = [asked('a', 'positive'), asked('b', 'negative')]
  for (const entry of entries) first.put(entry)
  first.putCatchAll({ routeId: 'r', domain: 'inst.example', isCatchAll: true, askedAtMs: 7 })
  first.putProbeSender('r', true)
  first.close()
  const second = open(context, folder.path).store
  for (const entry of entries) assert.deepEqual(second.find('inst.example', entry.local), entry)
  assert.deepEqual(second.marks(), {
    catchAlls: [{ routeId: 'r', domain: 'inst.example', isCatchAll: true, askedAtMs: 7 }],
    probeSenderRoutes: ['r'],
  })
  assert.equal(second.find('inst.example', 'c'), undefined)
  assert.equal(second.find('inst.example', 'A'), undefined) // local parts are compared as written
})

test('pins and lists stand beside the answers', async (context) => {
  await using folder = await temporaryFolder()
  const { store } = open(context, folder.path)
  store.pin('inst.example', 'p', 42)
  assert.equal(store.replaceList('inst.example', new Set(['l', 'p']), 7), 2)
  store.put(asked('p', 'positive'))
  const known = store.find('inst.example', 'p')
  assert.deepEqual([known?.pinnedUntilMs, known?.listedAtMs], [42, 7])
  assert.deepEqual(store.find('inst.example', 'l'), {
    ...emptyEntry('inst.example', 'l'),
    listedAtMs: 7,
  })
  assert.equal(store.replaceList('inst.example', new Set(['m']), 8), 1)
  assert.equal(store.find('inst.example', 'l'), undefined)
})

test('forget removes answer and pin, written or not', async (context) => {
  await using folder = await temporaryFolder()
  const tick = handTurned(context)
  const { store } = open(context, folder.path)
  store.put(asked('a', 'positive'))
  assert.equal(store.forget('inst.example', 'a'), true)
  store.put(asked('b', 'positive'))
  store.pin('inst.example', 'b', 42)
  tick()
  assert.equal(store.forget('inst.example', 'b'), true)
  assert.equal(store.find('inst.example', 'b'), undefined)
  assert.equal(store.forget('inst.example', 'b'), false)
})

test('two handles on one file: one notices within a tick what the other changed', async (context) => {
  await using folder = await temporaryFolder()
  const tick = handTurned(context)
  const relay = open(context, folder.path)
  const command = open(context, folder.path)
  relay.store.put(asked('a', 'positive'))
  tick()
  assert.deepEqual(relay.changes, [])
  command.store.forget('inst.example', 'a')
  command.store.pin('inst.example', 'b', 42)
  command.store.replaceList('inst.example', new Set(['c']), 7)
  tick()
  assert.deepEqual(relay.changes, [
    { kind: 'address', domain: 'inst.example', local: 'a' },
    { kind: 'address', domain: 'inst.example', local: 'b' },
    { kind: 'address', domain: 'inst.example', local: null },
  ])
  assert.equal(relay.store.find('inst.example', 'a'), undefined)
  tick()
  assert.equal(relay.changes.length, 3)
})

test('what waits to be written does not undo another process’s forget', async (context) => {
  await using folder = await temporaryFolder()
  const tick = handTurned(context)
  const command = open(context, folder.path)
  const relay = open(context, folder.path)
  relay.store.put(asked('a', 'positive'))
  command.store.forget('inst.example', 'a')
  tick()
  assert.equal(command.store.find('inst.example', 'a'), undefined)
  assert.equal(relay.store.find('inst.example', 'a'), undefined)
})

test('rows per domain are bounded, strangers and the oldest go first', async (context) => {
  await using folder = await temporaryFolder()
  const tick = handTurned(context)
  const { store, time } = open(context, folder.path, 3)
  for (let index = 0; index < 10; index += 1) store.put(asked(`s${index}`, 'negative'))
  store.put(asked('old', 'positive', 900_000))
  store.put(asked('new', 'positive'))
  store.put({ ...asked('else', 'positive'), domain: 'other.example' })
  time.ms += 60_000
  tick()
  const known = (local: string): boolean => store.find('inst.example', local) !== undefined
  const strangers = Array.from({ length: 10 }, (_, index) => known(`s${index}`))
  assert.deepEqual([known('old'), known('new')], [true, true])
  assert.equal(strangers.filter(Boolean).length, 1)
  assert.ok(store.find('other.example', 'else') !== undefined)
})

test('old rows and pins that ran out are purged', async (context) => {
  await using folder = await temporaryFolder()
  const tick = handTurned(context)
  const { store, time } = open(context, folder.path)
  store.put(asked('a', 'positive'))
  store.pin('inst.example', 'p', 1_000_001)
  time.ms += 500_001
  tick()
  assert.equal(store.find('inst.example', 'a'), undefined)
  assert.equal(store.find('inst.example', 'p'), undefined)
})

test('a file that is no database is told once a minute and lived without', async (context) => {
  await using folder = await temporaryFolder()
  await writeFile(
    join(folder.path, storeFileName),
    'this is not a database, not at all\n'.repeat(99),
  )
  const tick = handTurned(context)
  const { store, failures, time } = open(context, folder.path)
  assert.equal(failures.length, 1)
  store.put(asked('a', 'positive'))
  assert.ok(store.find('inst.example', 'a') !== undefined)
  assert.throws(() => {
    store.pin('inst.example', 'a', 42)
  }, RecipientStoreError)
  tick()
  assert.equal(failures.length, 1)
  time.ms += 60_000
  tick()
  assert.equal(failures.length, 2)
})

test('a store that recovers gets what was put meanwhile', async (context) => {
  await using folder = await temporaryFolder()
  const blocked = join(folder.path, 'state')
  await writeFile(blocked, 'a file where a folder should be')
  const tick = handTurned(context)
  const { store, failures, time } = open(context, blocked)
  store.put(asked('a', 'positive'))
  assert.equal(failures.length, 1)
  const { rm } = await import('node:fs/promises')
  await rm(blocked)
  time.ms += 60_000
  tick()
  const database = new DatabaseSync(join(blocked, storeFileName), { readOnly: true })
  const rows = database.prepare('SELECT local FROM recipients').all()
  database.close()
  assert.deepEqual(
    rows.map((row) => row['local']),
    ['a'],
  )
})

test('a store that fails under way is told and lived without', async (context) => {
  await using folder = await temporaryFolder()
  const tick = handTurned(context)
  const { store, failures } = open(context, folder.path)
  const vandal = new DatabaseSync(join(folder.path, storeFileName))
  vandal.exec('DROP TABLE recipients')
  vandal.close()
  store.put(asked('a', 'positive'))
  tick()
  assert.equal(failures.length, 1)
  assert.ok(store.find('inst.example', 'a') !== undefined)
})

test('a locked store is waited for, without a word', async (context) => {
  await using folder = await temporaryFolder()
  const tick = handTurned(context)
  const { store, failures } = open(context, folder.path)
  const other = new DatabaseSync(join(folder.path, storeFileName))
  other.exec('BEGIN IMMEDIATE')
  store.put(asked('a', 'positive'))
  tick()
  other.exec('COMMIT')
  other.close()
  tick()
  assert.deepEqual(failures, [])
  store.close()
  assert.ok(open(context, folder.path).store.find('inst.example', 'a') !== undefined)
})

test('a file of a newer version is left alone', async (context) => {
  await using folder = await temporaryFolder()
  open(context, folder.path).store.close()
  const newer = new DatabaseSync(join(folder.path, storeFileName))
  newer.exec('PRAGMA user_version = 99')
  newer.close()
  const { failures } = open(context, folder.path)
  assert.match(failures[0] ?? '', /newer version/)
})

test('who slept through too many changes is told to drop everything', async (context) => {
  await using folder = await temporaryFolder()
  const tick = handTurned(context)
  const { changes } = open(context, folder.path)
  const other = new DatabaseSync(join(folder.path, storeFileName))
  other.exec(
    `INSERT INTO changes (sequence, writer, domain) VALUES (1000, 'other', 'inst.example')`,
  )
  other.close()
  tick()
  assert.deepEqual(changes, [{ kind: 'everything' }])
})
