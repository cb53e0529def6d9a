import assert from 'node:assert/strict'
import { test, type TestContext } from 'node:test'
import { systemClock } from '#base/clock.ts'
import { startDnsServer, type DnsServer, type Zone } from '../../test/support/dns-server.ts'
import type { Resolver } from './dns.ts'
import { openResolver, type ResolverOptions } from './open-resolver.ts'

test('IPv4 and IPv6 alternate, IPv4 first, with the shorter time to live', async (t) => {
  const { resolver } = await setUp(t, {
    'mail.inst.example': {
      a: ['192.0.2.1', '192.0.2.2', '192.0.2.3'],
      aaaa: ['2001:db8::1', '2001:db8::2'],
      ttlSeconds: 17,
    },
  })
  assert.deepEqual(await resolver.addresses('Mail.Inst.Example', null), {
    kind: 'found',
    values: ['192.0.2.1', '2001:db8::1', '192.0.2.2', '2001:db8::2', '192.0.2.3'],
    ttlMs: 17_000,
  })
})

test('one family is enough, also behind an alias', async (t) => {
  const { resolver } = await setUp(t, {
    'four.example': { a: ['192.0.2.1'] },
    'six.example': { aaaa: ['2001:db8::1'] },
    'alias.example': { cname: 'six.example' },
  })
  assert.deepEqual(await valuesOf(resolver, 'four.example'), ['192.0.2.1'])
  assert.deepEqual(await valuesOf(resolver, 'six.example'), ['2001:db8::1'])
  assert.deepEqual(await valuesOf(resolver, 'alias.example'), ['2001:db8::1'])
})

const noAddresses: Readonly<Record<string, readonly [Zone[string] | undefined, string]>> = {
  NXDOMAIN: [undefined, 'none/name'],
  'NODATA for both': [{ mx: [[10, 'x.example']] }, 'none/type'],
  'an alias to nowhere': [{ cname: 'gone.example' }, 'none/name'],
  SERVFAIL: ['servfail', 'failed/SERVFAIL'],
  REFUSED: ['refused', 'failed/REFUSED by the name server'],
  'no answer at all': ['silent', 'failed/timeout'],
  'NODATA for A, SERVFAIL for AAAA': [{ aaaa: 'servfail' }, 'failed/SERVFAIL'],
  'SERVFAIL for A, NODATA for AAAA': [{ a: 'servfail' }, 'failed/SERVFAIL'],
  'NODATA for A, no answer for AAAA': [{ aaaa: 'silent' }, 'failed/timeout'],
}

for (const [name, [entry, expected]] of Object.entries(noAddresses)) {
  test(`no address: ${name} is ${expected}`, async (t) => {
    const { resolver } = await setUp(t, entry === undefined ? {} : { 'mail.inst.example': entry })
    const answer = await resolver.addresses('mail.inst.example', null)
    assert.notEqual(answer.kind, 'found')
    const why = answer.kind === 'none' ? answer.cause : answer.kind === 'failed' && answer.detail
    assert.equal(`${answer.kind}/${String(why)}`, expected)
  })
}

test('a name server that drops AAAA costs half a second, not the whole timeout', async (t) => {
  const { resolver } = await setUp(
    t,
    { 'mail.inst.example': { a: ['192.0.2.1'], aaaa: 'silent', ttlSeconds: 3600 } },
    { timeoutMs: 5000 },
  )
  const started = performance.now()
  const answer = await resolver.addresses('mail.inst.example', null)
  assert.ok(performance.now() - started < 2500)
  assert.deepEqual(answer, { kind: 'found', values: ['192.0.2.1'], ttlMs: 30_000 })
})

test('a hostile zone: at most 32 addresses', async (t) => {
  const many = Array.from({ length: 60 }, (_, index) => `192.0.2.${index}`)
  const { resolver } = await setUp(t, { 'many.example': { a: many, aaaa: ['2001:db8::1'] } })
  const values = await valuesOf(resolver, 'many.example')
  assert.equal(values.length, 32)
  assert.equal(values[1], '2001:db8::1')
})

test('localhost is this machine, and no name server is asked', async (t) => {
  const { resolver, server } = await setUp(t, { localhost: { a: ['192.0.2.66'] } })
  for (const name of ['localhost', 'mail.LOCALHOST']) {
    assert.deepEqual(await valuesOf(resolver, name), ['127.0.0.1', '::1'])
    assert.equal((await resolver.mx(name, null)).kind, 'none')
  }
  assert.deepEqual(server.queries, [])
})

test('MX by preference, equal ones shuffled anew for each asker, names canonical', async (t) => {
  const draws = [0.9, 0.5, 0.1, 0.3, 0.5, 0.9, 0.1, 0.3]
  const { resolver, server } = await setUp(
    t,
    {
      'inst.example': {
        mx: [
          [20, 'backup.example'],
          [10, 'MX1.Example'],
          [10, 'mx2.example'],
          [10, 'mx3.example'],
        ],
      },
    },
    { random: () => draws.shift() ?? 0 },
  )
  const order = async (): Promise<readonly string[]> => {
    const answer = await resolver.mx('inst.example', null)
    return answer.kind === 'found' ? answer.values.map(({ exchange }) => exchange) : []
  }
  assert.deepEqual(await order(), ['mx3.example', 'mx2.example', 'mx1.example', 'backup.example'])
  assert.deepEqual(await order(), ['mx3.example', 'mx1.example', 'mx2.example', 'backup.example'])
  assert.equal(server.queries.length, 1)
})

test('MX: null MX, none, failed, and names that are no names', async (t) => {
  const { resolver } = await setUp(t, {
    'null.example': { mx: [[0, '']] },
    'a-only.example': { a: ['192.0.2.1'] },
    'sick.example': { mx: 'servfail' },
    'odd.example': {
      mx: [
        [1, 'evil\u001b[2j.example'],
        [2, 'good.example'],
      ],
    },
  })
  const answers = ['null.example', 'a-only.example', 'gone.example', 'sick.example', 'odd.example']
  assert.deepEqual(await Promise.all(answers.map((name) => resolver.mx(name, null))), [
    { kind: 'found', values: [{ preference: 0, exchange: '' }], ttlMs: 60_000 },
    { kind: 'none', cause: 'type', ttlMs: 30_000 },
    { kind: 'none', cause: 'name', ttlMs: 30_000 },
    { kind: 'failed', detail: 'SERVFAIL' },
    { kind: 'found', values: [{ preference: 2, exchange: 'good.example' }], ttlMs: 60_000 },
  ])
})

test('a second question within the time to live asks nobody, and afterwards sees the change', async (t) => {
  let nowMs = 0
  const { resolver, server } = await setUp(
    t,
    { 'mail.inst.example': { a: ['192.0.2.1'], ttlSeconds: 10 } },
    { clock: { now: () => 0, monotonicMs: () => nowMs } },
  )
  await Promise.all([1, 2, 3].map(() => valuesOf(resolver, 'mail.inst.example')))
  await valuesOf(resolver, 'mail.inst.example')
  assert.deepEqual(server.queries.map(({ type }) => type).sort(), ['A', 'AAAA'])
  server.zone['mail.inst.example'] = { a: ['192.0.2.2'], ttlSeconds: 10 }
  assert.deepEqual(await valuesOf(resolver, 'mail.inst.example'), ['192.0.2.1'])
  nowMs = 10_000
  assert.deepEqual(await valuesOf(resolver, 'mail.inst.example'), ['192.0.2.2'])
})

test('an asker who goes away gets an answer at once, the others get theirs', async (t) => {
  const { resolver } = await setUp(t, { 'slow.example': 'silent' })
  const abort = new AbortController()
  const started = performance.now()
  const both = [
    resolver.addresses('slow.example', abort.signal),
    resolver.addresses('slow.example', null),
  ] as const
  abort.abort()
  assert.deepEqual(await both[0], { kind: 'failed', detail: 'aborted' })
  assert.ok(performance.now() - started < 200)
  assert.deepEqual(await both[1], { kind: 'failed', detail: 'timeout' })
  assert.deepEqual(await resolver.mx('x.example', abort.signal), {
    kind: 'failed',
    detail: 'aborted',
  })
})

test('closing answers those who wait', async (t) => {
  const { resolver } = await setUp(t, { 'slow.example': 'silent' }, { timeoutMs: 10_000 })
  const waiting = resolver.mx('slow.example', null)
  await new Promise((resolve) => setTimeout(resolve, 20))
  resolver.close()
  assert.deepEqual(await waiting, { kind: 'failed', detail: 'cancelled' })
})

test('no name server there: failed, not none', async (t) => {
  const { resolver, server } = await setUp(t, {})
  await server.close()
  const answer = await resolver.addresses('mail.inst.example', null)
  assert.equal(answer.kind, 'failed')
})

test('a server that is no address is refused', () => {
  const options = { timeoutMs: 1, attemptCount: 1, clock: systemClock, cacheEntryCount: 1 }
  assert.throws(() => openResolver({ ...options, servers: ['ns.example'] }), TypeError)
})

async function setUp(
  t: TestContext,
  zone: Zone,
  options: Partial<ResolverOptions> = {},
): Promise<{ resolver: Resolver; server: DnsServer }> {
  const server = await startDnsServer(zone)
  const resolver = openResolver({
    servers: [server.address],
    timeoutMs: 300,
    attemptCount: 1,
    clock: systemClock,
    cacheEntryCount: 100,
    ...options,
  })
  t.after(async () => {
    resolver.close()
    await server.close()
  })
  return { resolver, server }
}

async function valuesOf(resolver: Resolver, host: string): Promise<readonly string[]> {
  const answer = await resolver.addresses(host, null)
  return answer.kind === 'found' ? answer.values : []
}
