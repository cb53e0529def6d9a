// What a server takes is kept to, over real sockets: by questions and mails together, also while it changes.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { systemClock } from '#base/clock.ts'
import { Deadlines } from '#base/deadlines.ts'
import { openResolver } from '#dns/open-resolver.ts'
import { createRoute, parseEndpoint } from '#registry/route.ts'
import type { Route, RouteLimits } from '#registry/registry.ts'
import { startInstituteServer, type ConnectionCounts } from '../../demo/institute-server.ts'
import { startScriptedServer } from '../../test/support/hostile-server.ts'
import type { NextHops, OutboundMail, ProbeResult, TransferResult } from './nexthop.ts'
import { openNextHops } from './open-next-hops.ts'
import type { PurposeOptions, TargetOptions } from './target.ts'

const purpose: PurposeOptions = {
  maxConnectionCount: 8,
  maxUsesPerConnection: 100,
  connectTimeoutMs: 3000,
  timeouts: { commandMs: 3000, contentMs: 3000, finalMs: 3000, idleMs: 5000 },
}

interface Setup extends AsyncDisposable {
  readonly nextHops: NextHops
  readonly route: Route
  readonly obey: (limits: Partial<RouteLimits>) => void
  readonly mail: () => Promise<TransferResult>
  readonly ask: () => Promise<ProbeResult>
}

function setUp(place: { readonly port: number }, changes: Partial<TargetOptions> = {}): Setup {
  const resolver = openResolver({
    servers: [],
    timeoutMs: 500,
    attemptCount: 1,
    clock: systemClock,
    cacheEntryCount: 10,
  })
  const nextHops = openNextHops({
    hostname: 'relay.example.org',
    resolver,
    deadlines: new Deadlines({ monotonicMs: systemClock.monotonicMs, intervalMs: 10 }),
    ca: null,
    question: purpose,
    handover: purpose,
    breakerFailureCount: 3,
    breakerRecoveryMs: 60_000,
    now: systemClock.now,
    monotonicMs: systemClock.monotonicMs,
    emit: () => undefined,
    ...changes,
  })
  const endpoint = parseEndpoint(`127.0.0.1:${place.port}`)
  if (!endpoint.ok) throw new Error(endpoint.problem)
  const route = createRoute([endpoint.value], 'none')
  const within = { signal: null, budgetMs: 15_000 }
  return {
    nextHops,
    route,
    obey: (limits) => {
      const none = { maxConnectionCount: null, maxMailsPerConnection: null }
      const all = { ...none, maxRefusalsPerConnection: null, ...limits }
      nextHops.obey(new Map([[route.id, all]]))
    },
    mail: () => nextHops.transfer(route, mail, within),
    ask: () => nextHops.probe(route, { ...envelope, recipient: 'a@inst.example' }, within),
    [Symbol.asyncDispose]: async () => {
      await nextHops.close(500)
      resolver.close()
    },
  }
}

const envelope = { reversePath: '', sizeBytes: null, isSmtpUtf8: false }
const mail: OutboundMail = {
  ...envelope,
  recipients: ['a@inst.example'],
  sizeBytes: 30,
  is8BitMime: false,
  openContent: () => {
    const pieces = [[Buffer.from('Subject: x\r\n\r\nText.\r\n.\r\n')]]
    return { next: () => pieces.shift() ?? null, close: () => undefined }
  },
}

/** Some of both at once; all have to be answered. */
async function work({ mail: send, ask }: Setup, count: number): Promise<void> {
  const tasks = Array.from({ length: count }, (_, index) => (index % 2 === 0 ? send() : ask()))
  const kinds = (await Promise.all(tasks)).map(({ kind }) => kind)
  assert.deepEqual(
    kinds.filter((kind) => kind !== 'answered'),
    [],
  )
}

test('questions and mails share what the server takes', async () => {
  await using institute = await startInstituteServer({ delayMs: { final: 10, rcpt: 5 } })
  await using setup = setUp(institute)
  setup.obey({ maxConnectionCount: 3 })
  await work(setup, 40)
  assert.equal(institute.counts.peak, 3)
  assert.equal(institute.counts.total, 3)
})

test('lowered, changed and taken back at work: nothing new above the limit, and everything is answered', async () => {
  await using institute = await startInstituteServer({ delayMs: { final: 60, rcpt: 20 } })
  await using setup = setUp(institute)
  const first = work(setup, 120)
  // All that both pools may have: none is on its way any more.
  const deadlineMs = performance.now() + 10_000
  while (institute.counts.total < 16 && performance.now() < deadlineMs) await sleep(2)
  assert.equal(institute.counts.current, 16)
  setup.obey({ maxConnectionCount: 3 })
  assert.ok(setup.nextHops.states().every(({ waitingCount }) => waitingCount > 0))
  const { total } = institute.counts
  let isDone = false
  void first.finally(() => (isDone = true))
  // Those of before end with the task they have; until then there is no room for another one.
  while (!isDone) {
    const now: ConnectionCounts = institute.counts
    assert.ok(now.total === total || now.current <= 3, `${now.current} connections`)
    await sleep(2)
  }
  await first
  assert.ok(institute.counts.total > total)
  institute.clear()
  setup.obey({ maxConnectionCount: 1 })
  await sleep(250)
  institute.clear()
  await work(setup, 10)
  assert.equal(institute.counts.peak, 1)
  setup.nextHops.obey(new Map())
  await work(setup, 40)
  assert.ok(institute.counts.peak > 3, `${institute.counts.peak} connections`)
})

test('no more mails and questions on a connection than it takes, from the moment that is known', async () => {
  await using institute = await startInstituteServer({ limits: { mailsPerConnection: 3 } })
  await using setup = setUp(institute)
  setup.obey({ maxMailsPerConnection: 3 })
  for (let count = 0; count < 4; count += 1) await setup.mail()
  assert.deepEqual(
    institute.connections.map(({ mailCount }) => mailCount),
    [3, 1],
  )
  setup.obey({ maxMailsPerConnection: 1 })
  await setup.mail()
  await setup.mail()
  assert.deepEqual(
    institute.connections.map(({ mailCount }) => mailCount),
    [3, 2, 1],
  )
})

test('a connection that has had as many refused questions as the server bears is not asked again', async () => {
  await using institute = await startInstituteServer({ mailboxes: [] })
  await using setup = setUp(institute)
  const counts = (): readonly number[] =>
    institute.connections.map(
      ({ commands }) => commands.filter(({ text }) => text.startsWith('RCPT')).length,
    )
  for (let count = 0; count < 4; count += 1) await setup.ask()
  assert.deepEqual(counts(), [4])
  setup.obey({ maxRefusalsPerConnection: 2 })
  for (let count = 0; count < 3; count += 1) await setup.ask()
  assert.deepEqual(counts(), [5, 2])
  // Also where questions and mails share their connections.
  setup.obey({ maxRefusalsPerConnection: 1, maxConnectionCount: 1 })
  for (let count = 0; count < 2; count += 1) await setup.ask()
  assert.deepEqual(counts(), [5, 2, 1, 1])
})

test('a connection that has ended counts until its server has had time to notice', async () => {
  await using institute = await startInstituteServer()
  await using setup = setUp(institute)
  setup.obey({ maxConnectionCount: 1, maxMailsPerConnection: 1 })
  const startMs = performance.now()
  for (let count = 0; count < 4; count += 1) await setup.mail()
  assert.equal(institute.counts.total, 4)
  assert.ok(performance.now() - startMs >= 300, 'three pauses of 100 ms')
  // A server without limit costs no pause.
  setup.nextHops.obey(new Map())
})

test('a server known to take few is not down when it takes no further connection', async () => {
  await using server = await startScriptedServer(async (connection) => {
    await connection.send('421 4.7.0 Too many connections\r\n')
  })
  await using setup = setUp(server)
  setup.obey({ maxConnectionCount: 2 })
  for (let count = 0; count < 5; count += 1) {
    const { kind } = await setup.ask()
    assert.equal(kind, 'no-answer')
  }
  assert.equal(setup.nextHops.isBreakerOpen(setup.route), false)
  setup.nextHops.obey(new Map())
  for (let count = 0; count < 3; count += 1) await setup.ask()
  assert.equal(setup.nextHops.isBreakerOpen(setup.route), true)
})

test('what is lent is asked for, however small the pools of this process are', async () => {
  await using institute = await startInstituteServer({ mailboxes: 'all' })
  const borrowed: number[] = []
  // As one of many workers has them: less than the server takes.
  const small = { ...purpose, maxConnectionCount: 1 }
  await using site = setUp(institute, {
    question: small,
    handover: small,
    share: {
      of: () => null,
      lender: {
        borrow: async (_route, count) => {
          borrowed.push(count)
          return true
        },
        giveBack: () => undefined,
      },
    },
  })
  site.obey({ maxConnectionCount: 4 })
  assert.equal((await site.mail()).kind, 'answered')
  assert.deepEqual(borrowed, [4])
})

test('who goes away waits for no connection any more', async () => {
  await using institute = await startInstituteServer({ mailboxes: 'all', delayMs: { final: 1000 } })
  await using site = setUp(institute)
  site.obey({ maxConnectionCount: 1 })
  const first = site.mail()
  const leaves = new AbortController()
  const waiting = site.nextHops.transfer(site.route, mail, {
    signal: leaves.signal,
    budgetMs: 15_000,
  })
  await sleep(50)
  const startMs = performance.now()
  leaves.abort()
  const result = await waiting
  assert.equal(result.kind === 'no-answer' && result.cause.kind, 'aborted')
  assert.ok(performance.now() - startMs < 500)
  assert.equal((await first).kind, 'answered')
})
