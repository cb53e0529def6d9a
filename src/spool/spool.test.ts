// The contract of the door, on a real spool with its thread: mail goes in, is leased, settled, held.

import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import path from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { test } from 'node:test'
import {
  entryContent,
  newAttempt,
  newContent,
  newEntry,
  newRecipient,
} from '../../test/support/new-entry.ts'
import { temporaryFolder } from '../../test/support/temporary-folder.ts'
import { openTemporarySpool } from '../../test/support/temporary-spool.ts'
import { openSpoolTools } from './open-spool-tools.ts'
import type { SpoolOptions } from './open-spool.ts'
import {
  SpoolError,
  type Lease,
  type RecipientFate,
  type SettledRecipient,
  type Spool,
  type SpoolEvent,
} from './spool.ts'
import type { Order, SpoolTools } from './spool-tools.ts'

const domain = 'inst.example'
const relayed = { kind: 'relayed' } as const

interface Site extends AsyncDisposable {
  readonly folder: string
  readonly spool: Spool
  readonly tools: SpoolTools
  readonly events: SpoolEvent[]
  /** Leases of `inst.example`, at most that many. */
  readonly lease: (nowMs?: number, maxCount?: number) => Promise<readonly Lease[]>
  readonly lease1: () => Promise<Lease>
  readonly give: (order: Order, recipient: string) => void
}

async function setUp(options: Partial<SpoolOptions> = {}): Promise<Site> {
  const temporary = await temporaryFolder()
  const folder = path.join(temporary.path, 'spool')
  const events: SpoolEvent[] = []
  const spool = await openTemporarySpool(temporary.path, {
    emit: (event) => events.push(event),
    ...options,
  })
  const tools = openSpoolTools({ folder })
  const audit = { by: 'eve', reason: 'because', atMs: 9000, dryRun: false }
  const lease = (nowMs = 10_000, maxCount = 100): Promise<readonly Lease[]> =>
    spool.lease({ domain, nowMs, maxCount })
  return {
    folder,
    spool,
    tools,
    events,
    lease,
    lease1: async () => {
      const [first] = await lease(10_000, 1)
      assert.ok(first !== undefined)
      return first
    },
    give: (order, recipient) => {
      assert.equal(tools.give(order, { recipient }, audit).recipientCount, 1)
    },
    [Symbol.asyncDispose]: async () => {
      tools.close()
      await spool.close()
      await temporary[Symbol.asyncDispose]()
    },
  }
}

function waiting(nextAttemptMs: number): RecipientFate {
  return { kind: 'waiting', nextAttemptMs }
}

function settled(
  address: string,
  fate: SettledRecipient['fate'],
  reply: string | null = '451 later',
): SettledRecipient {
  return { address, fate, reply }
}

function idsOf(leases: readonly Lease[]): readonly string[] {
  return leases.map(({ id }) => id)
}

async function textOf({ content }: Lease): Promise<string> {
  assert.ok(content !== null)
  const reader = content.open()
  const pieces: Buffer[] = []
  for (let next = await reader.next(); next !== null; next = await reader.next())
    pieces.push(...next)
  reader.close()
  return Buffer.concat(pieces).toString('latin1')
}

function isKind(kind: SpoolError['kind']): (error: unknown) => boolean {
  return (error) => error instanceof SpoolError && error.kind === kind && !error.isUnclear
}

test('what is committed is leased as it was, once, and gone when it is relayed', async () => {
  await using site = await setUp()
  const { spool } = site
  const attempts = [newAttempt(), newAttempt({ domain: 'other.example' })]
  await spool.commit(
    newEntry('one', ['"a b"@inst.example', 'c@inst.example'], {
      isSmtpUtf8: true,
      is8BitMime: true,
      reversePath: '',
      attempts,
    }),
  )
  const lease = await site.lease1()
  const { content, ...rest } = lease
  assert.deepEqual(rest, {
    id: 'one',
    domain,
    movedTo: null,
    reversePath: '',
    isSmtpUtf8: true,
    is8BitMime: true,
    clientAddress: '192.0.2.7',
    greetingName: 'mx.sender.example',
    receivedAtMs: 1000,
    recipients: [
      { address: '"a b"@inst.example', attemptCount: 1, ageFromMs: 1000 },
      { address: 'c@inst.example', attemptCount: 1, ageFromMs: 1000 },
    ],
  })
  assert.equal(content?.sizeBytes, entryContent.length)
  assert.equal(await textOf(lease), entryContent)
  assert.equal(await textOf(lease), entryContent, 'a second reader reads the same')
  assert.deepEqual(await site.lease(), [], 'nobody else gets it')
  const recipients = lease.recipients.map(({ address }) => settled(address, relayed, '250 ok'))
  assert.equal(await spool.settle(lease, { recipients, attempts: [newAttempt()] }), true)
  assert.deepEqual(await spool.stats(), {
    entryCount: 0,
    sizeBytes: 0,
    waitingCount: 0,
    heldCount: 0,
    domains: [],
  })
  assert.equal(await spool.settle(lease, { recipients, attempts: [] }), false, 'it is not there')
})

test('those with the earliest next attempt first, then the oldest mail; only what is due', async () => {
  await using site = await setUp()
  for (const [id, nextAttemptMs] of [
    ['third', 500],
    ['fourth', 500],
    ['first', 0],
    ['second', 499],
    ['not yet', 2001],
    ['held', null],
  ] as const) {
    const fate: RecipientFate =
      nextAttemptMs === null
        ? { kind: 'held', reason: 'refused', sinceMs: 1 }
        : waiting(nextAttemptMs)
    const recipients = [newRecipient(`a@${domain}`, { fate })]
    await site.spool.commit(newEntry(id.replace(' ', '-'), [], { recipients }))
  }
  assert.deepEqual(idsOf(await site.lease(2000, 3)), ['first', 'second', 'third'])
  assert.deepEqual(idsOf(await site.lease(2000, 3)), ['fourth'])
  assert.deepEqual(idsOf(await site.lease(2001)), ['not-yet'])
})

test('recipients of one entry come in the order of the client, those that are due', async () => {
  await using site = await setUp()
  const recipients = [
    newRecipient(`c@${domain}`, { fate: waiting(5) }),
    newRecipient(`b@${domain}`, { fate: waiting(90_000) }),
    newRecipient(`a@${domain}`, { fate: waiting(5) }),
  ]
  await site.spool.commit(newEntry('one', [], { recipients }))
  const lease = await site.lease1()
  assert.deepEqual(
    lease.recipients.map(({ address }) => address),
    [`c@${domain}`, `a@${domain}`],
  )
  assert.deepEqual(await site.lease(99_999), [], 'the third one waits for this lease to end')
})

test('each domain of an entry is leased and settled for itself; the last one takes it away', async () => {
  await using site = await setUp()
  const { spool } = site
  await spool.commit(newEntry('one', ['a@inst.example', 'b@other.example', 'c@inst.example']))
  const first = await site.lease1()
  const [second] = await spool.lease({ domain: 'other.example', nowMs: 1, maxCount: 5 })
  assert.ok(second !== undefined)
  assert.deepEqual(
    second.recipients.map(({ address }) => address),
    ['b@other.example'],
  )
  assert.equal(await textOf(second), entryContent)
  await spool.settle(first, {
    recipients: [settled('a@inst.example', relayed), settled('c@inst.example', relayed)],
    attempts: [],
  })
  assert.deepEqual((await spool.stats()).entryCount, 1)
  assert.equal(await textOf(second), entryContent, 'the content is there for the other one')
  await spool.settle(second, { recipients: [settled('b@other.example', relayed)], attempts: [] })
  assert.deepEqual((await spool.stats()).entryCount, 0)
})

test('a settlement gives each recipient a fate of its own', async () => {
  await using site = await setUp()
  await site.spool.commit(newEntry('one', ['r@inst.example', 'w@inst.example', 'h@inst.example']))
  const lease = await site.lease1()
  await site.spool.settle(lease, {
    recipients: [
      settled('r@inst.example', relayed, '250 ok'),
      settled('w@inst.example', waiting(20_000), 'w'.repeat(3000)),
      settled('h@inst.example', { kind: 'held', reason: 'refused', sinceMs: 5000 }, '550 no'),
    ],
    attempts: [newAttempt({ atMs: 5000, reply: 'x'.repeat(3000), outcome: 'refused' })],
  })
  const entry = site.tools.entry('one')
  assert.deepEqual(
    entry?.recipients.map(({ address, fate, attemptCount, lastAttemptMs, reply }) => [
      address,
      fate,
      attemptCount,
      lastAttemptMs,
      reply,
    ]),
    [
      ['w@inst.example', waiting(20_000), 1, 5000, 'w'.repeat(1000)],
      ['h@inst.example', { kind: 'held', reason: 'refused', sinceMs: 5000 }, 1, 5000, '550 no'],
    ],
  )
  assert.deepEqual(
    entry?.attempts.map(({ reply, outcome }) => [reply.length, outcome]),
    [[1000, 'refused']],
  )
  assert.deepEqual(await site.lease(), [], 'the one that waits is not due')
  const [again] = await site.lease(20_000)
  assert.deepEqual(again?.recipients, [
    { address: 'w@inst.example', attemptCount: 1, ageFromMs: 1000 },
  ])
})

test('a settlement without an attempt counts none and keeps the words', async () => {
  await using site = await setUp()
  const recipients = [newRecipient(`a@${domain}`, { reply: '451 first words' })]
  await site.spool.commit(newEntry('one', [], { recipients }))
  await site.spool.settle(await site.lease1(), {
    recipients: [settled(`a@${domain}`, waiting(1), null)],
    attempts: [],
  })
  const [recipient] = site.tools.entry('one')?.recipients ?? []
  assert.deepEqual([recipient?.attemptCount, recipient?.reply], [0, '451 first words'])
})

test('of many attempts the first ones and the last ones are kept', async () => {
  await using site = await setUp()
  await site.spool.commit(newEntry('one'))
  const recipients = [settled(`a@${domain}`, waiting(0))]
  for (let round = 0; round < 6; round += 1) {
    const attempts = Array.from({ length: 30 }, (_, index) =>
      newAttempt({ atMs: round * 30 + index }),
    )
    await site.spool.settle(await site.lease1(), { recipients, attempts })
  }
  assert.deepEqual(
    site.tools.entry('one')?.attempts.map(({ atMs }) => atMs),
    [
      ...Array.from({ length: 10 }, (_, at) => at),
      ...Array.from({ length: 90 }, (_, at) => 90 + at),
    ],
  )
})

for (const [order, fate, fateAfter] of [
  [{ kind: 'hold' }, waiting(20_000), { kind: 'held', reason: 'ordered', sinceMs: 9000 }],
  [{ kind: 'hold' }, relayed, null],
  [{ kind: 'move', to: '192.0.2.9:25' }, waiting(20_000), waiting(0)],
  [
    { kind: 'move', to: '192.0.2.9:25' },
    { kind: 'held', reason: 'refused', sinceMs: 1 },
    waiting(0),
  ],
  [{ kind: 'move', to: '192.0.2.9:25' }, relayed, null],
  [{ kind: 'delete' }, waiting(20_000), null],
  [{ kind: 'delete' }, relayed, null],
] as const satisfies readonly (readonly [
  Order,
  SettledRecipient['fate'],
  RecipientFate | null,
])[]) {
  test(`a person's ${order.kind} during the attempt, which ends as ${fate.kind}`, async () => {
    await using site = await setUp()
    await site.spool.commit(newEntry('one', [`a@${domain}`, `b@${domain}`]))
    const lease = await site.lease1()
    site.give(order, `a@${domain}`)
    const isThere = await site.spool.settle(lease, {
      recipients: [settled(`a@${domain}`, fate), settled(`b@${domain}`, waiting(20_000))],
      attempts: [newAttempt()],
    })
    assert.equal(isThere, true)
    const found = site.tools.entry('one')?.recipients ?? []
    assert.deepEqual(
      found.map((each) => [each.address, each.fate]),
      [
        ...(fateAfter === null ? [] : [[`a@${domain}`, fateAfter]]),
        [`b@${domain}`, waiting(20_000)],
      ],
    )
    const leases = await site.lease()
    const isMoved = fateAfter?.kind === 'waiting'
    assert.deepEqual(
      leases.map(({ movedTo, recipients }) => [movedTo, recipients.length]),
      isMoved ? [['192.0.2.9:25', 1]] : [],
    )
  })
}

test('a person deletes all of it during the attempt: the settlement says so', async () => {
  await using site = await setUp()
  await site.spool.commit(newEntry('one'))
  const lease = await site.lease1()
  site.give({ kind: 'delete' }, `a@${domain}`)
  const recipients = [settled(`a@${domain}`, waiting(1))]
  assert.equal(await site.spool.settle(lease, { recipients, attempts: [newAttempt()] }), false)
  assert.equal((await site.spool.stats()).entryCount, 0)
})

test('those that were moved and those that were not are two leases', async () => {
  await using site = await setUp()
  await site.spool.commit(newEntry('one', [`a@${domain}`, `b@${domain}`]))
  site.give({ kind: 'move', to: '192.0.2.9:25' }, `b@${domain}`)
  const first = await site.lease1()
  assert.deepEqual([first.movedTo, first.recipients.length], [null, 1])
  const recipients = [settled(`a@${domain}`, relayed)]
  await site.spool.settle(first, { recipients, attempts: [] })
  const second = await site.lease1()
  assert.deepEqual(
    [second.movedTo, second.recipients.map(({ address }) => address)],
    ['192.0.2.9:25', [`b@${domain}`]],
  )
})

test('hurry makes what waits due, the oldest first, and leaves the held alone', async () => {
  await using site = await setUp()
  const { spool } = site
  for (const [id, fate] of [
    ['late', waiting(90_000)],
    ['later', waiting(80_000)],
    ['now', waiting(0)],
    ['held', { kind: 'held', reason: 'ordered', sinceMs: 1 }],
  ] as const) {
    await spool.commit(newEntry(id, [], { recipients: [newRecipient(`a@${domain}`, { fate })] }))
  }
  await spool.commit(newEntry('other', ['a@other.example']))
  assert.deepEqual(await spool.due(), [
    { domain, nextAttemptMs: 0 },
    { domain: 'other.example', nextAttemptMs: 0 },
  ])
  assert.equal(await spool.hurry(domain), 2)
  assert.equal(await spool.hurry('nobody.example'), 0)
  assert.deepEqual(idsOf(await site.lease(1)), ['late', 'later', 'now'])
})

test('due tells each domain with waiting recipients, with the earliest attempt', async () => {
  await using site = await setUp()
  const { spool } = site
  assert.deepEqual(await spool.due(), [])
  const held: RecipientFate = { kind: 'held', reason: 'refused', sinceMs: 1 }
  await spool.commit(
    newEntry('one', [], {
      recipients: [
        newRecipient('a@z.example', { fate: waiting(700) }),
        newRecipient('b@z.example', { fate: waiting(600) }),
        newRecipient('a@held.example', { fate: held }),
        newRecipient('a@a.example', { fate: waiting(900) }),
      ],
    }),
  )
  assert.deepEqual(await spool.due(), [
    { domain: 'a.example', nextAttemptMs: 900 },
    { domain: 'z.example', nextAttemptMs: 600 },
  ])
})

test('hold takes what waits and is not leased, of a domain or of an age, and says whom', async () => {
  await using site = await setUp()
  const { spool } = site
  for (const [index, receivedAtMs] of [1000, 2000, 3000].entries()) {
    const recipients = [newRecipient(`a@${domain}`, { reply: `451 ${index}` })]
    await spool.commit(newEntry(`mail-${index}`, [], { recipients, receivedAtMs }))
  }
  await spool.commit(newEntry('other', ['a@other.example']))
  const leased = await site.lease1()
  assert.equal(leased.id, 'mail-0')
  assert.deepEqual(await spool.hold({ kind: 'older', ageFromBeforeMs: 3000 }, 'expired'), [
    { id: 'mail-1', domain, address: `a@${domain}`, reply: '451 1' },
    { id: 'other', domain: 'other.example', address: 'a@other.example', reply: '' },
  ])
  assert.deepEqual(await spool.hold({ kind: 'domain', domain }, 'not-served'), [
    { id: 'mail-2', domain, address: `a@${domain}`, reply: '451 2' },
  ])
  assert.deepEqual(await spool.hold({ kind: 'domain', domain }, 'not-served'), [])
  const [held] = site.tools.entry('mail-1')?.recipients ?? []
  assert.ok(held?.fate.kind === 'held')
  assert.equal(held.fate.reason, 'expired')
  const { waitingCount, heldCount } = await spool.stats()
  assert.deepEqual([waitingCount, heldCount], [1, 3])
})

test('hold gives a thousand at a time', async () => {
  await using site = await setUp()
  const addresses = Array.from({ length: 1001 }, (_, index) => `a${index}@${domain}`)
  await site.spool.commit(newEntry('one', addresses))
  const counts: number[] = []
  for (let round = 0; round < 3; round += 1) {
    counts.push((await site.spool.hold({ kind: 'domain', domain }, 'not-served')).length)
  }
  assert.deepEqual(counts, [1000, 1, 0])
})

test('a schedule that a jump of the clock has put out of reach is drawn near', async () => {
  await using site = await setUp({ maxDelayMs: 60_000 })
  const { spool } = site
  for (const [id, nextAttemptMs] of [
    ['in-reach', 70_000],
    ['out-of-reach', 70_001],
  ] as const) {
    const recipients = [newRecipient(`a@${domain}`, { fate: waiting(nextAttemptMs) })]
    await spool.commit(newEntry(id, [], { recipients }))
  }
  assert.deepEqual(idsOf(await site.lease(10_000)), ['out-of-reach'])
  assert.deepEqual(idsOf(await site.lease(70_000)), ['in-reach'])
})

test('an entry that is there already is refused, and harms neither it nor its group', async () => {
  await using site = await setUp()
  const { spool } = site
  await spool.commit(newEntry('twice', [`a@${domain}`], { content: newContent('first') }))
  const results = await Promise.allSettled([
    spool.commit(newEntry('before')),
    spool.commit(newEntry('twice', [`b@${domain}`], { content: newContent('second') })),
    spool.commit(newEntry('after')),
    spool.commit(newEntry('after')),
  ])
  assert.deepEqual(
    results.map(({ status }) => status),
    ['fulfilled', 'rejected', 'fulfilled', 'rejected'],
  )
  for (const result of results) {
    if (result.status === 'rejected') assert.ok(isKind('invalid')(result.reason))
  }
  const leases = await site.lease()
  assert.deepEqual(idsOf(leases), ['twice', 'before', 'after'])
  assert.ok(leases[0] !== undefined)
  assert.equal(await textOf(leases[0]), 'first')
  assert.equal(spool.state().kind, 'open')
})

test('an id that could lead out of the folder is refused', async () => {
  await using site = await setUp()
  for (const id of ['', '.', '..', '../x', 'a/b', '.hidden', 'x'.repeat(65), 'a b', 'a\n']) {
    await assert.rejects(site.spool.commit(newEntry(id)), isKind('invalid'), JSON.stringify(id))
  }
  await site.spool.commit(newEntry('a.b_c-D9'))
})

test('many commits at the same time share transactions', async () => {
  await using site = await setUp()
  const ids = Array.from({ length: 300 }, (_, index) => `mail-${index}`)
  const before = transactionCount(site.folder)
  await Promise.all(ids.map((id) => site.spool.commit(newEntry(id))))
  const count = transactionCount(site.folder) - before
  assert.ok(count >= 1 && count <= 10, `${count} transactions for 300 mails`)
  assert.deepEqual(idsOf(await site.lease(1, 1000)), ids)
})

/** In the write-ahead log, the last frame of each transaction says how large the database is then. */
function transactionCount(folder: string): number {
  const [headerBytes, frameBytes] = [32, 24 + 4096]
  const log = readFileSync(path.join(folder, 'spool.db-wal'))
  let count = 0
  for (let at = headerBytes; at + frameBytes <= log.length; at += frameBytes) {
    if (log.readUInt32BE(at + 4) !== 0) count += 1
  }
  return count
}

test('a content in the database is stored once for all recipients', async () => {
  await using site = await setUp()
  const content = newContent(`Subject: large\r\n\r\n${'z'.repeat(200_000)}\r\n.\r\n`)
  const addresses = Array.from({ length: 100 }, (_, index) => `a${index}@d${index % 10}.example`)
  await site.spool.commit(newEntry('one', addresses, { content }))
  using database = new DatabaseSync(path.join(site.folder, 'spool.db'))
  const { pages } =
    database.prepare('SELECT page_count AS pages FROM pragma_page_count').get() ?? {}
  assert.ok(Number(pages) * 4096 < 400_000, `${Number(pages)} pages`)
})
