// Orders of people while the relay has the spool open: it follows, and what it has under way ends well.

import assert from 'node:assert/strict'
import { existsSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { temporaryFolder } from '../../test/support/temporary-folder.ts'
import { openSpoolTools } from './open-spool-tools.ts'
import { incomingFolder, openSpool } from './open-spool.ts'
import type { Lease, NewEntry, Spool } from './spool.ts'
import type { Order, OrderResult, SpoolTools } from './spool-tools.ts'

interface Site extends AsyncDisposable {
  readonly folder: string
  readonly spool: Spool
  readonly tools: SpoolTools
  readonly give: (order: Order) => OrderResult
  readonly lease: () => Promise<readonly Lease[]>
}

const nowMs = 1_800_000_000_000
const domain = 'inst.example'
const content = Buffer.from('A: b\r\n\r\nbody\r\n.\r\n')

function entryOf(id: string, file: NewEntry['content']['file'] = null, fileBytes = 0): NewEntry {
  return {
    id,
    reversePath: 'bob@sender.example',
    isSmtpUtf8: false,
    is8BitMime: false,
    clientAddress: '192.0.2.7',
    greetingName: 'client.example',
    receivedAtMs: nowMs - 1000,
    recipients: [
      {
        address: 'alice@inst.example',
        domain,
        fate: { kind: 'waiting', nextAttemptMs: nowMs - 1 },
        reply: '',
      },
    ],
    attempts: [],
    content: { prefix: [content], file, sizeBytes: content.length + fileBytes },
  }
}

async function setUp(): Promise<Site> {
  const temporary = await temporaryFolder()
  const folder = join(temporary.path, 'spool')
  const spool = await openSpool({
    folder,
    reserveBytes: 0,
    reserveInodeCount: 0,
    maxDelayMs: 3_600_000,
    clock: { now: () => nowMs, monotonicMs: () => performance.now() },
    emit: () => undefined,
  })
  const tools = openSpoolTools({ folder })
  return {
    folder,
    spool,
    tools,
    give: (order) => tools.give(order, {}, { by: 'eve', reason: 'x', atMs: nowMs, dryRun: false }),
    lease: () => spool.lease({ domain, nowMs, maxCount: 10 }),
    [Symbol.asyncDispose]: async () => {
      tools.close()
      await spool.close()
      await temporary[Symbol.asyncDispose]()
    },
  }
}

test('the relay is named as the owner, and what it commits is seen', async () => {
  await using site = await setUp()
  await site.spool.commit(entryOf('one'))
  assert.equal(site.tools.owner()?.pid, process.pid)
  assert.deepEqual(site.tools.stats(), await site.spool.stats())
  const reader = site.tools.content('one')?.open()
  assert.deepEqual(await reader?.next(), [content])
  reader?.close()
})

test('what is held is not leased any more; what is released is, with a new age', async () => {
  await using site = await setUp()
  await site.spool.commit(entryOf('one'))
  site.give({ kind: 'hold' })
  assert.deepEqual(await site.lease(), [])
  site.give({ kind: 'release' })
  const [lease] = await site.lease()
  assert.equal(lease?.id, 'one')
  assert.equal(lease.recipients[0]?.ageFromMs, nowMs)
})

test('held while it is being handed over: it stays held when that fails', async () => {
  await using site = await setUp()
  await site.spool.commit(entryOf('one'))
  const [lease] = await site.lease()
  assert.ok(lease !== undefined)
  site.give({ kind: 'hold' })
  await site.spool.settle(lease, {
    recipients: [
      {
        address: 'alice@inst.example',
        fate: { kind: 'waiting', nextAttemptMs: 0 },
        reply: '451 no',
      },
    ],
    attempts: [],
  })
  const recipient = site.tools.entry('one')?.recipients[0]
  assert.equal(recipient?.fate.kind, 'held')
  assert.equal(recipient.reply, '451 no')
})

test('moved while it is being handed over: it is due at once, at the other server', async () => {
  await using site = await setUp()
  await site.spool.commit(entryOf('one'))
  const [lease] = await site.lease()
  assert.ok(lease !== undefined)
  site.give({ kind: 'move', to: '192.0.2.9:25' })
  await site.spool.settle(lease, {
    recipients: [
      {
        address: 'alice@inst.example',
        fate: { kind: 'held', reason: 'refused', sinceMs: nowMs },
        reply: '550 no',
      },
    ],
    attempts: [],
  })
  const [again] = await site.lease()
  assert.equal(again?.movedTo, '192.0.2.9:25')
})

test('deleted while it is being handed over: gone with its file, and settling is no error', async () => {
  await using site = await setUp()
  const file = join(incomingFolder(site.folder), 'arriving')
  writeFileSync(file, 'x'.repeat(1000))
  await site.spool.commit(entryOf('one', { path: file, offset: 0 }, 1000))
  const stored = join(site.folder, 'content', 'one')
  assert.ok(existsSync(stored))
  const [lease] = await site.lease()
  assert.ok(lease !== undefined)
  assert.equal(site.give({ kind: 'delete' }).entryCount, 1)
  assert.ok(!existsSync(stored))
  await site.spool.settle(lease, {
    recipients: [{ address: 'alice@inst.example', fate: { kind: 'relayed' }, reply: '250 ok' }],
    attempts: [],
  })
  assert.equal((await site.spool.stats()).entryCount, 0)
  assert.equal(site.spool.state().kind, 'open')
})

test('orders in between many commits: neither waits for long, nothing is lost', async () => {
  await using site = await setUp()
  const ids = Array.from({ length: 300 }, (_, index) => `id${index}`)
  const commits = Promise.all(ids.map((id) => site.spool.commit(entryOf(id))))
  for (let round = 0; round < 10; round += 1) {
    site.give({ kind: 'flush' })
    await new Promise((resolve) => setTimeout(resolve, 5))
  }
  await commits
  assert.equal([...site.tools.entries({})].length, ids.length)
  assert.equal(site.spool.state().kind, 'open')
})
