import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ClientCounts, type Client } from './client-counts.ts'
import { findExceeded, isBusy } from './limits.ts'
import { Places } from './places.ts'

const places = new Places([])
const limits = { mode: 'enforce', maxPerAddressCount: 3, maxPerNetworkCount: 5 } as const
const minuteMs = 60_000

function setUp(maxCount?: number) {
  const clock = { nowMs: 10 * minuteMs }
  const counts = new ClientCounts(() => clock.nowMs, maxCount)
  /** As the stage does it: null, or the address or network that is over its limit. */
  const connect = (address: string): { client: Client; over: string | null } => {
    const client = counts.find(address, places)
    client.connectionArrived()
    const over = findExceeded(client, 'connections', limits)?.network ?? null
    if (over === null) client.connectionOpened()
    return { client, over }
  }
  return { clock, counts, connect }
}

test('an address has its limit, and has it again when a connection closes', () => {
  const { connect } = setUp()
  const [first] = [connect('192.0.2.1'), connect('192.0.2.1'), connect('192.0.2.1')]
  assert.equal(connect('192.0.2.1').over, '192.0.2.1')
  first.client.connectionClosed()
  assert.equal(connect('192.0.2.1').over, null)
  assert.equal(connect('192.0.2.1').over, '192.0.2.1')
})

const networks: readonly (readonly [
  name: string,
  host: (index: number) => string,
  network: string,
])[] = [
  ['a /24', (index) => `192.0.2.${index + 1}`, '192.0.2.0/24'],
  ['a /64', (index) => `2001:db8:0:7::${index + 1}`, '2001:db8:0:7::/64'],
]

for (const [name, host, network] of networks) {
  test(`the hosts of ${name} share a limit, and the next network is not touched`, () => {
    const { connect } = setUp()
    for (let index = 0; index < 5; index += 1) assert.equal(connect(host(index)).over, null)
    assert.equal(connect(host(5)).over, network)
    const neighbour = host(5).replace('192.0.2.', '192.0.3.').replace(':0:7::', ':0:8::')
    assert.equal(connect(neighbour).over, null)
  })
}

test('new connections are counted by the minute, refused ones too', () => {
  const { clock, counts } = setUp()
  const arrive = (): string | undefined => {
    const client = counts.find('192.0.2.1', places)
    client.connectionArrived()
    return findExceeded(client, 'rate', limits)?.network
  }
  for (let index = 0; index < 3; index += 1) assert.equal(arrive(), undefined)
  assert.equal(arrive(), '192.0.2.1')
  clock.nowMs += minuteMs
  assert.equal(arrive(), undefined)
})

test('the same event of a client is told again in the next minute, not before', () => {
  const { clock, counts } = setUp()
  const find = (): Client => counts.find('192.0.2.1', places)
  assert.deepEqual(
    [find().isToldAgain('a'), find().isToldAgain('b'), find().isToldAgain('a')],
    [false, false, true],
  )
  clock.nowMs += minuteMs
  assert.equal(find().isToldAgain('a'), false)
})

test('a flood of addresses is bounded, and does not forget who is connected', () => {
  const { counts, connect } = setUp(100)
  const { client } = connect('192.0.2.1')
  for (let index = 0; index < 10_000; index += 1) {
    counts.find(`2001:db8:${index.toString(16)}::1`, places).connectionArrived()
    assert.ok(counts.size <= 100)
  }
  assert.equal(counts.find('192.0.2.1', places), client)
  assert.equal(client.openCount, 1)
  assert.equal(client.network.openCount, 1)
  connect('192.0.2.2')
  assert.equal(client.network.openCount, 2) // the network was not forgotten either
})

test('who is gone is swept a minute later', () => {
  const { clock, counts, connect } = setUp()
  const { client } = connect('192.0.2.1')
  connect('192.0.2.2')
  client.connectionClosed()
  counts.sweep()
  assert.equal(counts.size, 2)
  clock.nowMs += minuteMs
  counts.busy(() => true) // looking at them keeps nobody
  counts.sweep()
  assert.equal(counts.size, 1)
})

test('what other processes count is added, and forgotten when it is not told any more', () => {
  const { clock, counts, connect } = setUp()
  counts.hear([['192.0.2.1', 2, 0, 10]]) // before this process has met the client
  assert.equal(connect('192.0.2.1').over, null)
  assert.equal(connect('192.0.2.1').over, '192.0.2.1')
  counts.hear([['192.0.2.0/24', 4, 0, 10]])
  assert.equal(connect('192.0.2.1').over, '192.0.2.0/24')
  counts.hear([])
  assert.equal(connect('192.0.2.1').over, null)
  clock.nowMs += minuteMs
  counts.hear([['192.0.2.1', 0, 1000, 10]]) // new connections of the minute before
  const client = counts.find('192.0.2.1', places)
  assert.equal(findExceeded(client, 'rate', limits), null)
})

test('only who has a good part of a limit is told of', () => {
  const { counts, connect } = setUp()
  connect('192.0.2.1')
  connect('192.0.2.9')
  connect('198.51.100.1')
  const rules = { connections: limits, rate: { ...limits, mode: 'off' } } as const
  assert.deepEqual(counts.busy(isBusy(rules, 1)), [])
  assert.deepEqual(
    counts.busy(isBusy(rules, 2)).map(([key, openCount]) => [key, openCount]),
    [
      ['192.0.2.1', 1],
      ['192.0.2.9', 1],
      ['198.51.100.1', 1],
      ['192.0.2.0/24', 2],
    ],
  )
})
