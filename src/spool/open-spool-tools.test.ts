import assert from 'node:assert/strict'
import { existsSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { test } from 'node:test'
import { fillSpool, querySpool, waiting, type StoredEntry } from '../../test/support/spool-file.ts'
import { temporaryFolder } from '../../test/support/temporary-folder.ts'
import { openSpoolTools } from './open-spool-tools.ts'
import { takeOwnership } from './owner.ts'
import type { Attempt, RecipientFate } from './spool.ts'
import { SpoolError } from './spool.ts'
import type { Order, OrderResult, Selection, SpoolTools } from './spool-tools.ts'

const held: RecipientFate = { kind: 'held', reason: 'refused', sinceMs: 5000 }

const entries: readonly StoredEntry[] = [
  {
    id: 'one',
    receivedAtMs: 1000,
    recipients: [{ address: 'Alice@a.example' }, { address: 'bob@b.example', fate: held }],
  },
  {
    id: 'two',
    receivedAtMs: 2000,
    reversePath: '',
    recipients: [{ address: 'carol@A.example', fate: held }],
  },
  { id: 'three', receivedAtMs: 3000, recipients: [{ address: 'dora@b.example' }] },
]

interface Site extends AsyncDisposable {
  readonly folder: string
  readonly tools: SpoolTools
  readonly give: (order: Order, selection?: Selection, dryRun?: boolean) => OrderResult
  readonly found: (selection: Selection) => readonly string[]
}

async function setUp(stored: readonly StoredEntry[] = entries): Promise<Site> {
  const temporary = await temporaryFolder()
  const folder = join(temporary.path, 'spool')
  fillSpool(folder, stored)
  const tools = openSpoolTools({ folder })
  const audit = { by: 'eve (1000)', reason: 'because', atMs: 9000 }
  return {
    folder,
    tools,
    give: (order, selection = {}, dryRun = false) =>
      tools.give(order, selection, { ...audit, dryRun }),
    found: (selection) =>
      [...tools.entries(selection)].flatMap(({ id, recipients }) =>
        recipients.map(({ address }) => `${id} ${address}`),
      ),
    [Symbol.asyncDispose]: async () => {
      tools.close()
      await temporary[Symbol.asyncDispose]()
    },
  }
}

test('a spool that does not exist is an empty one, and looking at it makes nothing', async () => {
  await using temporary = await temporaryFolder()
  const folder = join(temporary.path, 'spool')
  const tools = openSpoolTools({ folder })
  assert.equal(tools.stats().entryCount, 0)
  assert.deepEqual(tools.reasons(), [])
  assert.deepEqual([...tools.entries({})], [])
  assert.equal(tools.entry('one'), undefined)
  assert.equal(tools.content('one'), null)
  assert.deepEqual(tools.orders(10), [])
  assert.equal(tools.owner(), null)
  const audit = { by: 'eve', reason: 'x', atMs: 1, dryRun: false }
  assert.deepEqual(tools.give({ kind: 'delete' }, {}, audit), { entryCount: 0, recipientCount: 0 })
  tools.close()
  assert.deepEqual(readdirSync(temporary.path), [])
})

test('a file that is being made, and files of others', async () => {
  await using temporary = await temporaryFolder()
  const file = join(temporary.path, 'spool.db')
  writeFileSync(file, '')
  assert.equal(openSpoolTools({ folder: temporary.path }).stats().entryCount, 0)
  new DatabaseSync(file).exec('CREATE TABLE t (x)')
  assert.throws(() => openSpoolTools({ folder: temporary.path }), /not a spool of Pforte/)
  rmSync(file)
  writeFileSync(file, 'x'.repeat(5000))
  assert.throws(
    () => openSpoolTools({ folder: temporary.path }),
    (error) => error instanceof SpoolError && error.kind === 'damaged',
  )
})

test('a spool that cannot be looked at is not an empty one', async () => {
  await using temporary = await temporaryFolder()
  symlinkSync('spool.db', join(temporary.path, 'spool.db'))
  assert.throws(
    () => openSpoolTools({ folder: temporary.path }),
    (error) => error instanceof SpoolError && error.kind === 'io',
  )
})

test('a spool of a newer program is told', async () => {
  await using temporary = await temporaryFolder()
  fillSpool(temporary.path, [])
  querySpool(temporary.path, 'PRAGMA user_version = 99')
  assert.throws(() => openSpoolTools({ folder: temporary.path }), /written by a newer Pforte/)
})

test('every condition of a selection, alone and together', async () => {
  await using site = await setUp()
  const all = [
    'one Alice@a.example',
    'one bob@b.example',
    'two carol@A.example',
    'three dora@b.example',
  ]
  assert.deepEqual(site.found({}), all)
  assert.deepEqual(site.found({ domain: 'a.example' }), [all[0], all[2]])
  assert.deepEqual(site.found({ recipient: 'Alice@A.EXAMPLE' }), [all[0]])
  assert.deepEqual(site.found({ recipient: 'alice@a.example' }), [])
  assert.deepEqual(site.found({ sender: '' }), [all[2]])
  assert.deepEqual(site.found({ sender: 'bob@SENDER.example' }), [all[0], all[1], all[3]])
  assert.deepEqual(site.found({ receivedBeforeMs: 2000 }), [all[0], all[1]])
  assert.deepEqual(site.found({ receivedAfterMs: 2000 }), [all[2], all[3]])
  assert.deepEqual(site.found({ fate: 'held' }), [all[1], all[2]])
  assert.deepEqual(site.found({ fate: 'waiting' }), [all[0], all[3]])
  assert.deepEqual(site.found({ ids: ['three', 'nothing', "'; DROP TABLE entry; --"] }), [all[3]])
  assert.deepEqual(site.found({ ids: [] }), [])
  assert.deepEqual(site.found({ domain: 'b.example', fate: 'held', ids: ['one', 'three'] }), [
    all[1],
  ])
})

test('a long list comes whole, and once', async () => {
  const recipients = [{ address: 'alice@a.example' }, { address: 'bob@a.example' }]
  const stored = Array.from({ length: 450 }, (_, index) => ({ id: `id${index}`, recipients }))
  await using site = await setUp(stored)
  const found = [...site.tools.entries({ domain: 'a.example' })]
  assert.deepEqual(
    found.map(({ id }) => id),
    stored.map(({ id }) => id),
  )
  assert.ok(found.every((entry) => entry.recipients.length === 2))
})

test('flush makes what waits due, and nothing else', async () => {
  await using site = await setUp()
  assert.deepEqual(site.give({ kind: 'flush' }), { entryCount: 2, recipientCount: 2 })
  assert.deepEqual(fates(site, 'one'), [{ kind: 'waiting', nextAttemptMs: -1 }, held])
  assert.deepEqual(fates(site, 'two'), [held])
})

test('hold, then release with a new age', async () => {
  await using site = await setUp()
  const selection = { domain: 'a.example' }
  assert.deepEqual(site.give({ kind: 'hold' }, selection), { entryCount: 1, recipientCount: 1 })
  const ordered = { kind: 'held', reason: 'ordered', sinceMs: 9000 }
  assert.deepEqual(fates(site, 'one'), [ordered, held])
  assert.deepEqual(fates(site, 'two'), [held]) // its reason stays
  assert.equal(site.give({ kind: 'release' }, selection).recipientCount, 2)
  assert.deepEqual(fates(site, 'one')[0], { kind: 'waiting', nextAttemptMs: 0 })
  assert.deepEqual(
    querySpool(site.folder, 'SELECT address, age_from_ms FROM recipient ORDER BY entry, position'),
    [
      { address: 'Alice@a.example', age_from_ms: 9000 },
      { address: 'bob@b.example', age_from_ms: 1000 },
      { address: 'carol@A.example', age_from_ms: 9000 },
      { address: 'dora@b.example', age_from_ms: 3000 },
    ],
  )
})

test('move, move again to the same place, and back to the route', async () => {
  await using site = await setUp()
  const move = { kind: 'move', to: '192.0.2.1:25' } as const
  assert.equal(site.give(move).recipientCount, 4)
  assert.equal(site.give(move).recipientCount, 0)
  assert.equal(site.tools.entry('one')?.recipients[0]?.movedTo, '192.0.2.1:25')
  assert.deepEqual(fates(site, 'one'), [{ kind: 'waiting', nextAttemptMs: 0 }, held])
  const back = { kind: 'move', to: null } as const
  assert.equal(site.give(back, { ids: ['one'] }).recipientCount, 2)
  assert.equal(site.give(back).recipientCount, 2)
  assert.equal(site.tools.entry('three')?.recipients[0]?.movedTo, null)
})

test('delete takes an entry away with its last recipient, and its content file too', async () => {
  await using site = await setUp([
    { ...entries[0], id: 'one', recipients: entries[0]?.recipients ?? [], prefixBytes: 20 },
    ...entries.slice(1),
  ])
  const file = join(site.folder, 'content', 'one')
  assert.deepEqual(site.give({ kind: 'delete' }, { domain: 'a.example' }), {
    entryCount: 2,
    recipientCount: 2,
  })
  assert.deepEqual(site.found({}), ['one bob@b.example', 'three dora@b.example'])
  assert.ok(existsSync(file))
  site.give({ kind: 'delete' }, { ids: ['one'] })
  assert.ok(!existsSync(file))
  assert.equal(site.tools.stats().entryCount, 1)
  assert.deepEqual(querySpool(site.folder, 'SELECT count(*) AS n FROM recipient'), [{ n: 1 }])
})

test('a dry run counts and changes nothing', async () => {
  await using site = await setUp()
  const before = site.found({})
  for (const kind of ['flush', 'hold', 'release', 'delete'] as const) {
    const counted = site.give({ kind }, {}, true)
    assert.equal(counted.recipientCount, kind === 'delete' ? 4 : 2, kind)
  }
  assert.deepEqual(site.found({}), before)
  assert.deepEqual(site.tools.orders(10), [])
})

test('every order leaves a record for each entry, also of one that is gone', async () => {
  await using site = await setUp()
  site.give({ kind: 'hold' }, { ids: ['three'] })
  site.give({ kind: 'delete' }, { ids: ['one', 'three'] })
  site.give({ kind: 'release' }, { domain: 'nothing.example' }) // concerns nobody: no record
  const by = { atMs: 9000, by: 'eve (1000)', reason: 'because', detail: '' }
  const [third, second, first] = site.tools.orders(10)
  assert.deepEqual(first, { ...by, order: 'hold', id: 'three', recipients: ['dora@b.example'] })
  assert.deepEqual(second, {
    ...by,
    order: 'delete',
    id: 'one',
    recipients: ['Alice@a.example', 'bob@b.example'],
  })
  assert.equal(third?.id, 'three')
  assert.equal(site.tools.orders(1).length, 1)
  assert.deepEqual(
    site.tools.orders(10, 'three').map(({ order }) => order),
    ['delete', 'hold'],
  )
})

test('an entry with its attempts, its header section and its orders, the oldest first', async () => {
  const attempt: Attempt = {
    atMs: 1500,
    domain: 'a.example',
    server: 'mail.a.example',
    address: null,
    tls: null,
    outcome: 'deferred',
    reply: 'connect: refused',
    tookMs: 1.5,
  }
  const attempts = [attempt, { ...attempt, atMs: 1600, address: '192.0.2.1', tls: 'TLSv1.3' }]
  await using site = await setUp([
    { id: 'one', recipients: [{ address: 'alice@a.example' }], attempts },
    { id: 'two', recipients: [{ address: 'bob@a.example' }], content: 'A: b\r\n..c: d\r\n.\r\n' },
  ])
  site.give({ kind: 'flush' })
  site.give({ kind: 'hold' })
  const details = site.tools.entry('one')
  assert.deepEqual(details?.attempts, attempts)
  assert.equal(details.header?.toString(), 'Received: by relay\r\nSubject: test\r\n')
  assert.deepEqual(
    details.orders.map(({ order }) => order),
    ['flush', 'hold'],
  )
  // Without a body the end mark ends the header section; it stays in wire form.
  assert.equal(site.tools.entry('two')?.header?.toString(), 'A: b\r\n..c: d\r\n')
})

test('why it waits: the last attempt that failed, and the reasons of the hold', async () => {
  const attempt: Attempt = {
    atMs: 1500,
    domain: 'a.example',
    server: 'mail.a.example',
    address: null,
    tls: null,
    outcome: 'deferred',
    reply: 'first',
    tookMs: 1,
  }
  await using site = await setUp([
    {
      id: 'one',
      recipients: [
        { address: 'alice@a.example' },
        { address: 'bob@a.example', fate: held },
        { address: 'carol@a.example', fate: { ...held, reason: 'expired' } },
        { address: 'dora@a.example', fate: held },
        { address: 'x@b.example', fate: waiting },
      ],
      attempts: [
        attempt,
        { ...attempt, reply: 'second' },
        { ...attempt, outcome: 'relayed', reply: '250 taken' },
      ],
    },
  ])
  const [a, b] = site.tools.reasons()
  assert.equal(a?.lastAttempt?.reply, 'second')
  assert.deepEqual(a.holds, [
    { reason: 'refused', count: 2 },
    { reason: 'expired', count: 1 },
  ])
  assert.deepEqual(b, { domain: 'b.example', lastAttempt: null, holds: [] })
})

test('content comes back whole from the database and from a file, and damage is found', async () => {
  const content = `A: b\r\n\r\n${'line\r\n'.repeat(100_000)}.\r\n`
  const to = { recipients: [{ address: 'alice@a.example' }] }
  await using site = await setUp([
    { id: 'small', ...to, content: 'A: b\r\n\r\n..\r\n.\r\n' },
    { id: 'large', ...to, content, prefixBytes: 1000 },
    { id: 'gone', ...to, content, prefixBytes: 1000 },
  ])
  assert.equal(await contentOf(site.tools, 'small'), 'A: b\r\n\r\n..\r\n.\r\n')
  assert.equal(await contentOf(site.tools, 'large'), content)
  assert.equal(site.tools.content('nothing'), null)
  rmSync(join(site.folder, 'content', 'gone'))
  assert.equal(site.tools.content('gone'), null)
  writeFileSync(join(site.folder, 'content', 'large'), 'something else')
  await assert.rejects(contentOf(site.tools, 'large'))
})

test('beside a writer: reading goes on, an order waits its turn', async () => {
  await using site = await setUp()
  using relay = new DatabaseSync(join(site.folder, 'spool.db'))
  relay.exec("BEGIN IMMEDIATE; DELETE FROM entry WHERE id = 'three'")
  assert.equal(site.found({}).length, 4)
  assert.equal(site.give({ kind: 'delete' }, {}, true).recipientCount, 4)
  relay.exec('COMMIT')
  assert.equal(site.found({}).length, 3)
  const version = relay.prepare('PRAGMA data_version').get()?.['data_version']
  site.give({ kind: 'flush' })
  assert.notEqual(relay.prepare('PRAGMA data_version').get()?.['data_version'], version)
})

test('the owner is named while it has the spool', async () => {
  await using site = await setUp()
  assert.equal(site.tools.owner(), null)
  {
    using _ = takeOwnership(site.folder, 4000)
    assert.equal(site.tools.owner()?.pid, process.pid)
    assert.equal(site.tools.owner()?.sinceMs, 4000)
  }
  assert.equal(site.tools.owner(), null)
})

function fates(site: Site, id: string): readonly RecipientFate[] {
  return site.tools.entry(id)?.recipients.map(({ fate }) => fate) ?? []
}

async function contentOf(tools: SpoolTools, id: string): Promise<string> {
  const reader = tools.content(id)?.open()
  assert.ok(reader !== undefined)
  const pieces: Buffer[] = []
  try {
    for (let next = await reader.next(); next !== null; next = await reader.next()) {
      pieces.push(...next)
    }
  } finally {
    reader.close()
  }
  return Buffer.concat(pieces).toString()
}
