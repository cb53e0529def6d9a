// Large content in files, the stop and the recovery, the end, and the room on the disk: what lies around the
// database, on a real spool with its thread.

import assert from 'node:assert/strict'
import { existsSync, readdirSync, statSync, truncateSync, writeFileSync } from 'node:fs'
import { open } from 'node:fs/promises'
import path from 'node:path'
import { test } from 'node:test'
import { newEntry, newFiledContent } from '../../test/support/new-entry.ts'
import { temporaryFolder } from '../../test/support/temporary-folder.ts'
import { openTemporarySpool } from '../../test/support/temporary-spool.ts'
import { fileOperations, type FileOperations } from './content-files.ts'
import { incomingFolder, type SpoolOptions } from './open-spool.ts'
import {
  SpoolError,
  type Lease,
  type NewContent,
  type Settlement,
  type Spool,
  type SpoolEvent,
} from './spool.ts'

const domain = 'inst.example'
const body = Buffer.alloc(700_000, 'line of text\r\n')
const allRelayed: Settlement = {
  recipients: [{ address: `a@${domain}`, fate: { kind: 'relayed' }, reply: '250 ok' }],
  attempts: [],
}

interface Site extends AsyncDisposable {
  readonly folder: string
  readonly events: SpoolEvent[]
  readonly open: (options?: Partial<SpoolOptions>) => Promise<Spool>
  /** A new file in `incoming`. */
  readonly filed: (name: string) => NewContent
  /** Names in `content` and in `incoming`. */
  readonly files: () => {
    readonly content: readonly string[]
    readonly incoming: readonly string[]
  }
}

async function setUp(): Promise<Site> {
  const temporary = await temporaryFolder()
  const folder = path.join(temporary.path, 'spool')
  const events: SpoolEvent[] = []
  const opened: Spool[] = []
  return {
    folder,
    events,
    open: async (options) => {
      const emit = (event: SpoolEvent): unknown => events.push(event)
      const spool = await openTemporarySpool(temporary.path, { emit, ...options })
      opened.push(spool)
      return spool
    },
    filed: (name) => newFiledContent(incomingFolder(folder), name, body),
    files: () => ({
      content: readdirSync(path.join(folder, 'content')).toSorted(),
      incoming: readdirSync(incomingFolder(folder)),
    }),
    [Symbol.asyncDispose]: async () => {
      await Promise.all(opened.map((spool) => spool.close()))
      await temporary[Symbol.asyncDispose]()
    },
  }
}

async function lease1(spool: Spool): Promise<Lease> {
  const [lease] = await spool.lease({ domain, nowMs: 1, maxCount: 1 })
  assert.ok(lease !== undefined)
  return lease
}

async function bytesOf({ content }: Lease): Promise<Buffer> {
  assert.ok(content !== null)
  const reader = content.open()
  try {
    const pieces: Buffer[] = []
    for (let next = await reader.next(); next !== null; next = await reader.next())
      pieces.push(...next)
    return Buffer.concat(pieces)
  } finally {
    reader.close()
  }
}

function kindsOf(events: readonly SpoolEvent[]): readonly string[] {
  return events.map(({ kind }) => kind)
}

const eio = Object.assign(new Error('EIO: i/o error'), { code: 'EIO' })

/** A rename to `bad` fails; one to `slow` is done, and answered when `release` is called. */
function testOperations(): {
  readonly operations: FileOperations
  readonly reached: Promise<void>
  readonly release: () => void
} {
  const reached = Promise.withResolvers<void>()
  const released = Promise.withResolvers<void>()
  const rename: FileOperations['rename'] = async (from, to) => {
    if (String(to).endsWith('bad')) throw eio
    await fileOperations.rename(from, to)
    if (!String(to).endsWith('slow')) return
    reached.resolve()
    await released.promise
  }
  return {
    operations: { ...fileOperations, rename },
    reached: reached.promise,
    release: released.resolve,
  }
}

test('large content is a file, taken over, read back, and removed when it is relayed', async () => {
  await using site = await setUp()
  const spool = await site.open()
  const content = site.filed('arriving')
  await spool.commit(newEntry('large', [`a@${domain}`], { content }))
  assert.deepEqual(site.files(), { content: ['large'], incoming: [] })
  assert.ok(statSync(path.join(site.folder, 'spool.db')).size < 200_000, 'not in the database too')
  const lease = await lease1(spool)
  assert.equal(lease.content?.sizeBytes, content.sizeBytes)
  const bytes = await bytesOf(lease)
  assert.ok(bytes.equals(Buffer.concat([...content.prefix, body])))
  await spool.settle(lease, allRelayed)
  assert.deepEqual(site.files(), { content: [], incoming: [] })
})

test('a file that is not as long as was said is refused, and nothing stays of it', async () => {
  await using site = await setUp()
  const spool = await site.open()
  const content = site.filed('arriving')
  const wrong = { ...content, sizeBytes: content.sizeBytes + 1 }
  await assert.rejects(
    spool.commit(newEntry('large', [`a@${domain}`], { content: wrong })),
    (error) => error instanceof SpoolError && error.kind === 'invalid',
  )
  assert.deepEqual(site.files(), { content: [], incoming: [] })
  assert.equal(spool.state().kind, 'open')
})

test('an entry that is there already keeps its file', async () => {
  await using site = await setUp()
  const spool = await site.open()
  await spool.commit(newEntry('large', [`a@${domain}`], { content: site.filed('first') }))
  const other = newFiledContent(
    incomingFolder(site.folder),
    'second',
    Buffer.from('other\r\n.\r\n'),
  )
  await assert.rejects(
    spool.commit(newEntry('large', [`b@${domain}`], { content: other })),
    (error) => error instanceof SpoolError && error.kind === 'invalid',
  )
  assert.ok((await bytesOf(await lease1(spool))).subarray(-body.length).equals(body))
})

for (const [name, damage] of [
  ['is gone', null],
  ['is shorter', (file: string) => truncateSync(file, 1000)],
] as const) {
  test(`a content file that ${name}: the lease says so, and the damage is told when settled`, async () => {
    await using site = await setUp()
    const spool = await site.open()
    await spool.commit(newEntry('large', [`a@${domain}`], { content: site.filed('x') }))
    const file = path.join(site.folder, 'content', 'large')
    if (damage === null) await fileOperations.rm(file)
    else damage(file)
    const lease = await lease1(spool)
    assert.equal(lease.content, null)
    const fate = { kind: 'held', reason: 'damaged', sinceMs: 1 } as const
    await spool.settle(lease, {
      recipients: [{ address: `a@${domain}`, fate, reply: 'the file' }],
      attempts: [],
    })
    assert.deepEqual(site.events.at(-1), {
      kind: 'spool-entry-damaged',
      id: 'large',
      detail: 'the file',
    })
  })
}

test('a content file in which one byte is another: the reader refuses the last piece', async () => {
  await using site = await setUp()
  const spool = await site.open()
  const content = site.filed('x')
  await spool.commit(newEntry('large', [`a@${domain}`], { content }))
  await using file = await open(path.join(site.folder, 'content', 'large'), 'r+')
  await file.write(Buffer.from('X'), 0, 1, 300_000)
  const lease = await lease1(spool)
  assert.ok(lease.content !== null)
  const reader = lease.content.open()
  let readBytes = 0
  await assert.rejects(
    async () => {
      for (let next = await reader.next(); next !== null; next = await reader.next()) {
        readBytes += next.reduce((sum, piece) => sum + piece.length, 0)
      }
    },
    (error) => error instanceof SpoolError && error.kind === 'damaged',
  )
  reader.close()
  assert.ok(readBytes > 0 && readBytes < content.sizeBytes)
})

test('a file without an entry is removed at the next start, those with one stay', async () => {
  await using site = await setUp()
  const first = await site.open()
  await first.commit(newEntry('large', [`a@${domain}`], { content: site.filed('x') }))
  await first.close()
  writeFileSync(path.join(site.folder, 'content', 'orphan'), 'of a commit that was not answered')
  const second = await site.open()
  assert.deepEqual(site.files().content, ['large'])
  const opened = site.events.findLast((event) => event.kind === 'spool-opened')
  assert.ok(opened?.kind === 'spool-opened')
  assert.deepEqual(opened.report, { entryCount: 1, orphanCount: 1 })
  assert.ok((await bytesOf(await lease1(second))).length > body.length)
})

test('recovered while a large mail is being committed: its file is no orphan', async () => {
  await using site = await setUp()
  const { operations, reached, release } = testOperations()
  const spool = await site.open({ operations })
  const committed = spool.commit(newEntry('slow', [`a@${domain}`], { content: site.filed('x') }))
  await reached
  await assert.rejects(
    spool.commit(newEntry('bad', [`a@${domain}`], { content: site.filed('y') })),
    SpoolError,
  )
  assert.equal(spool.state().kind, 'stopped')
  const { orphanCount } = await spool.recover()
  release()
  await committed
  assert.equal(orphanCount, 0)
  assert.deepEqual(site.files().content, ['slow'])
  assert.ok((await bytesOf(await lease1(spool))).subarray(-body.length).equals(body))
})

test('stopped: nothing is taken, the reason is told once, and recover opens it again', async () => {
  await using site = await setUp()
  const { operations } = testOperations()
  const spool = await site.open({ operations })
  await spool.commit(newEntry('before'))
  await assert.rejects(
    spool.commit(newEntry('bad', [`a@${domain}`], { content: site.filed('x') })),
    (error) => error instanceof SpoolError && error.kind === 'io' && !error.isUnclear,
  )
  const state = spool.state()
  assert.ok(state.kind === 'stopped')
  assert.match(state.detail, /cannot store the content of bad: EIO/)
  for (const call of [
    spool.commit(newEntry('meanwhile')),
    spool.lease({ domain, nowMs: 1, maxCount: 1 }),
    spool.hurry(domain),
    spool.hold({ kind: 'domain', domain }, 'expired'),
    spool.due(),
    spool.stats(),
  ]) {
    await assert.rejects(call, (error) => error instanceof SpoolError && error.kind === 'stopped')
  }
  const [report, same] = await Promise.all([spool.recover(), spool.recover()])
  assert.deepEqual(report, { entryCount: 1, orphanCount: 0 })
  assert.equal(report, same, 'those who ask at the same time share one')
  assert.equal(spool.state().kind, 'open')
  assert.deepEqual(await spool.recover(), { entryCount: 1, orphanCount: 0 }, 'nothing to do')
  await spool.commit(newEntry('after'))
  assert.deepEqual(kindsOf(site.events), ['spool-opened', 'spool-stopped', 'spool-opened'])
  const leases = await spool.lease({ domain, nowMs: 1, maxCount: 9 })
  assert.deepEqual(
    leases.map(({ id }) => id),
    ['before', 'after'],
  )
})

test('a full disk for the file of one mail stops nothing', async () => {
  await using site = await setUp()
  const operations: FileOperations = {
    ...fileOperations,
    rename: () => Promise.reject(Object.assign(new Error('ENOSPC'), { code: 'ENOSPC' })),
  }
  const spool = await site.open({ operations })
  await assert.rejects(
    spool.commit(newEntry('large', [`a@${domain}`], { content: site.filed('x') })),
    (error) => error instanceof SpoolError && error.kind === 'full',
  )
  assert.equal(spool.state().kind, 'open')
  await spool.commit(newEntry('small'))
})

test('close finishes what was begun, and takes nothing more', async () => {
  await using site = await setUp()
  const { operations, reached, release } = testOperations()
  const spool = await site.open({ operations })
  const begun = [
    spool.commit(newEntry('slow', [`a@${domain}`], { content: site.filed('x') })),
    ...Array.from({ length: 50 }, (_, index) => spool.commit(newEntry(`mail-${index}`))),
  ]
  await reached
  const closed = spool.close()
  const late = spool.commit(newEntry('late', [`a@${domain}`], { content: site.filed('late') }))
  await assert.rejects(late, (error) => error instanceof SpoolError && error.kind === 'stopped')
  release()
  await Promise.all(begun)
  await closed
  await spool.close()
  assert.equal(spool.state().kind, 'stopped')
  await assert.rejects(spool.recover(), SpoolError)
  await assert.rejects(spool.due(), SpoolError)
  assert.deepEqual(kindsOf(site.events), ['spool-opened'], 'a spool that is closed has not failed')
  const again = await site.open()
  assert.equal((await again.stats()).entryCount, 51)
  assert.deepEqual(site.files().content, ['slow'])
})

test('leases end with the process: the mail is given again after the next start', async () => {
  await using site = await setUp()
  const first = await site.open()
  await first.commit(newEntry('one'))
  await lease1(first)
  await first.close()
  assert.equal((await lease1(await site.open())).id, 'one')
})

test('a second one on the same spool is refused, and the first goes on', async () => {
  await using site = await setUp()
  const first = await site.open()
  await assert.rejects(
    site.open(),
    (error) =>
      error instanceof SpoolError && error.message.includes(`in use by process ${process.pid} on `),
  )
  await first.commit(newEntry('one'))
})

test('a folder that cannot be made is a SpoolError, and leaves no lock', async () => {
  await using site = await setUp()
  writeFileSync(site.folder, '')
  await assert.rejects(site.open(), (error) => error instanceof SpoolError && error.kind === 'io')
  await fileOperations.rm(site.folder)
  await site.open()
})

test('less room than the reserve: no mail may be begun, which is told once', async () => {
  await using site = await setUp()
  const spool = await site.open({ reserveBytes: Number.MAX_SAFE_INTEGER })
  assert.equal(spool.hasRoomFor(0), false)
  await new Promise((resolve) => setTimeout(resolve, 1300))
  const short = site.events.filter(({ kind }) => kind === 'spool-short')
  assert.equal(short.length, 1)
  assert.equal(site.events[0], short[0], 'before it is opened')
  await spool.commit(newEntry('one'))
  assert.equal(spool.state().kind, 'open', 'what was begun is taken all the same')
})

test('less inodes than the reserve; and room enough', async () => {
  await using site = await setUp()
  const short = await site.open({ reserveInodeCount: Number.MAX_SAFE_INTEGER })
  // Where the file system makes inodes as it needs them, there are always enough.
  const [event] = site.events
  assert.equal(short.hasRoomFor(0), event?.kind !== 'spool-short')
  await short.close()
  const roomy = await site.open()
  assert.equal(roomy.hasRoomFor(1000), true)
  assert.equal(roomy.hasRoomFor(Number.MAX_SAFE_INTEGER), false)
  assert.equal(existsSync(path.join(site.folder, 'spool.db')), true)
})
