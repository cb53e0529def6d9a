// What SPF records cost with all that they include: a name server on loopback, asked as the command asks.

import assert from 'node:assert/strict'
import { after, describe, test } from 'node:test'
import { queryDns } from '#dns/query.ts'
import { startDnsServer, type Zone, type ZoneRecords } from '../../../test/support/dns-server.ts'
import { spfCost, type SpfCost } from './spf.ts'

const server = await startDnsServer()
after(() => server.close())
const [address = '', port = ''] = server.address.split(':')

const txt = (text: string): ZoneRecords => ({
  raw: { 16: [Buffer.concat([Buffer.of(text.length), Buffer.from(text)])] },
})
const two: ZoneRecords = {
  raw: {
    16: ['v=spf1 -all', 'v=spf1 ~all'].map((text) =>
      Buffer.concat([Buffer.of(text.length), Buffer.from(text)]),
    ),
  },
}

async function costOf(record: string, zone: Zone): Promise<SpfCost> {
  for (const name of Object.keys(server.zone)) delete server.zone[name]
  Object.assign(server.zone, zone)
  return await spfCost(
    'inst.example',
    record,
    async (name, type) =>
      await queryDns({
        server: { address, port: Number(port) },
        name,
        type,
        isRecursive: true,
        timeoutMs: 300,
        attemptCount: 1,
        signal: new AbortController().signal,
      }),
  )
}

/** `include:` of each: a chain, or a tree. */
const includes = (...names: readonly string[]): string =>
  `v=spf1 ${names.map((name) => `include:${name}`).join(' ')} ~all`

const host: ZoneRecords = { a: ['192.0.2.1'] }

describe('look-ups', () => {
  const cases: readonly (readonly [string, string, Zone, number])[] = [
    ['addresses cost nothing', 'v=spf1 ip4:192.0.2.0/24 ip6:2001:db8::/32 -all', {}, 0],
    [
      'each term that asks',
      'v=spf1 a mx/24 a:h.example/28//64 ptr exists:%{i}.x.example ?include:i.example -all',
      {
        'inst.example': { ...host, mx: [[10, 'h.example']] },
        'h.example': host,
        'i.example': txt('v=spf1 -all'),
      },
      6,
    ],
    [
      'what stands in included records counts',
      includes('one.example'),
      {
        'one.example': txt('v=spf1 a:h.example include:two.example -all'),
        'two.example': txt('v=spf1 a:h.example mx:m.example redirect=three.example'),
        'three.example': txt('v=spf1 a:h.example -all'),
        'm.example': { mx: [[10, 'h.example']] },
        'h.example': host,
      },
      7,
    ],
    [
      'behind all nothing is reached',
      'v=spf1 -all a mx include:x.example redirect=y.example',
      {},
      0,
    ],
    [
      'redirect beside all is ignored',
      'v=spf1 redirect=y.example ~all',
      { 'y.example': txt('v=spf1 a -all') },
      0,
    ],
    [
      'names that only look like terms',
      'v=spf1 amx aa includes:x.example exp=e.example -all',
      {},
      0,
    ],
  ]
  for (const [name, record, zone, count] of cases) {
    test(name, async () => {
      const cost = await costOf(record, zone)
      assert.equal(cost.lookUpCount, count)
      assert.deepEqual([cost.problems, cost.unanswered, cost.isCut], [[], [], false])
    })
  }
})

test('void look-ups: for a sender of either family', async () => {
  const cost = await costOf(
    'v=spf1 a:none.example a:six.example mx:none.example exists:e.example -all',
    {
      'none.example': {},
      'six.example': { aaaa: ['2001:db8::1'] },
      'e.example': { aaaa: ['2001:db8::1'] },
    },
  )
  assert.deepEqual(
    cost.voids.map(({ written }) => written),
    ['a:none.example', 'mx:none.example', 'exists:e.example'],
  )
})

describe('hostile records', () => {
  test('a circle ends', async () => {
    const cost = await costOf(includes('a.example'), {
      'a.example': txt(includes('b.example')),
      'b.example': txt(includes('a.example')),
    })
    assert.deepEqual(
      cost.problems.map(({ holder, written, what }) => [holder, written, what]),
      [['b.example', 'include:a.example', 'loop']],
    )
  })
  test('a tree of hundreds of records is not followed', async () => {
    const zone: Record<string, ZoneRecords> = {}
    for (let index = 0; index < 400; index += 1) {
      const below = Array.from({ length: 8 }, (_, child) => `n${8 * index + child + 1}.example`)
      zone[`n${index}.example`] = txt(includes(...below))
    }
    const before = server.queries.length
    const cost = await costOf(includes('n0.example'), zone)
    assert.ok(cost.isCut)
    assert.equal(cost.lookUpCount, 30)
    assert.ok(server.queries.length - before <= 30)
  })
  test('nobody answers, no record, two records', async () => {
    const cost = await costOf(
      includes('silent.example', 'gone.example', 'two.example', 'b.example'),
      {
        'silent.example': 'silent',
        'two.example': two,
        'b.example': 'servfail',
      },
    )
    assert.deepEqual(
      cost.unanswered.map(({ written, reason }) => [written, reason]),
      [
        ['include:silent.example', 'timeout'],
        ['include:b.example', 'SERVFAIL'],
      ],
    )
    assert.deepEqual(
      cost.problems.map(({ what }) => what),
      ['no-record', 'several-records'],
    )
  })
  test('names that cannot be asked for, and characters that a terminal obeys', async () => {
    const before = server.queries.length
    const cost = await costOf(
      'v=spf1 include:..  a:\u001b[31m include:%{d}.x.example a: mx: -all',
      {},
    )
    assert.equal(server.queries.length, before)
    assert.equal(cost.lookUpCount, 5)
  })
})

test('mx says whose MX it means, in included records that of the included name', async () => {
  const cost = await costOf('v=spf1 mx include:i.example -all', {
    'inst.example': { mx: [[10, 'relay.example']] },
    'i.example': { ...txt('v=spf1 mx mx:inst.example -all'), mx: [[10, 'own.example']] },
  })
  assert.deepEqual(
    cost.mx.map(({ holder, target, exchanges }) => [holder, target, ...exchanges]),
    [
      ['inst.example', 'inst.example', 'relay.example'],
      ['i.example', 'i.example', 'own.example'],
      ['i.example', 'inst.example', 'relay.example'],
    ],
  )
})
