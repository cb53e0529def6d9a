import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { ClientCount } from '#greeting/greeting.ts'
import type { Json, LinkPeer } from '#link/link.ts'
import { fromJson } from './calls.ts'
import { SharedClients } from './serve-clients.ts'

interface Worker extends LinkPeer {
  last: readonly ClientCount[] | null
}

function worker(name: string): Worker {
  return {
    name,
    last: null,
    ask: () => Promise.reject(new Error('nobody asks')),
    tell(_method: string, value: Json) {
      this.last = fromJson<readonly ClientCount[]>(value)
    },
  }
}

test('each worker hears what all others count, together', () => {
  const shared = new SharedClients()
  const peers = [worker('worker-1.1'), worker('worker-2.2'), worker('worker-3.3')] as const
  const [one, two, three] = peers
  shared.heard([['192.0.2.1', 2, 5, 10]], one, peers)
  assert.deepEqual(two.last, [['192.0.2.1', 2, 5, 10]])
  assert.equal(one.last, null) // its own count is not told back
  shared.heard([['192.0.2.1', 3, 7, 10], ['192.0.2.0/24', 4, 9, 10]], two, peers) // oxfmt-ignore
  assert.deepEqual(one.last, [['192.0.2.1', 3, 7, 10], ['192.0.2.0/24', 4, 9, 10]]) // oxfmt-ignore
  assert.deepEqual(three.last, [['192.0.2.1', 5, 12, 10], ['192.0.2.0/24', 4, 9, 10]]) // oxfmt-ignore
})

test('new connections of an earlier minute are not added', () => {
  const shared = new SharedClients()
  const peers = [worker('worker-1.1'), worker('worker-2.2'), worker('worker-3.3')] as const
  shared.heard([['192.0.2.1', 2, 500, 9]], peers[0], peers)
  shared.heard([['192.0.2.1', 3, 7, 10]], peers[1], peers)
  assert.deepEqual(peers[2].last, [['192.0.2.1', 5, 7, 10]])
})

test('what a lost worker counted is taken away, and commands are told nothing', () => {
  const shared = new SharedClients()
  const [one, two, command] = [worker('worker-1.1'), worker('worker-2.2'), worker('command')]
  shared.heard([['192.0.2.1', 2, 5, 10]], one, [one, two, command])
  shared.gone(one, [two, command])
  assert.deepEqual(two.last, [])
  assert.equal(command.last, null)
})
