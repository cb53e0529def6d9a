// Sessions of several workers: remote-session-count.ts and serve-session-counts.ts over a real link.

import assert from 'node:assert/strict'
import path from 'node:path'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { connectLink, type LinkClient } from '#link/connect-link.ts'
import { serveLink, type LinkServer } from '#link/serve-link.ts'
import { temporaryFolder } from '../../../test/support/temporary-folder.ts'
import { fromJson, news } from './calls.ts'
import { RemoteSessionCount } from './remote-session-count.ts'
import { serveSessionCounts } from './serve-session-counts.ts'

interface Worker extends Disposable {
  readonly count: RemoteSessionCount
  own: number
}

async function serve(socket: string): Promise<LinkServer> {
  const { told, onPeer, onGone } = serveSessionCounts()
  return await serveLink({
    path: socket,
    name: 'coordinator',
    handlers: { asked: {}, told },
    onPeer,
    onGone,
  })
}

function connect(socket: string, name: string): Worker {
  const link: LinkClient = connectLink({
    path: socket,
    name,
    handlers: {
      asked: {},
      told: { [news.sessionsElsewhere]: (value) => count.heard(fromJson<number>(value)) },
    },
    onUp: () => count.up(),
    onDown: () => count.down(),
  })
  const count = new RemoteSessionCount({
    link,
    maxSessionCount: 11,
    workerCount: 2,
    onChanged: () => undefined,
  })
  const worker: Worker = {
    count,
    own: 0,
    [Symbol.dispose]: () => {
      count.close()
      link.close()
    },
  }
  count.start(() => worker.own)
  return worker
}

async function until(holds: () => boolean): Promise<void> {
  const endMs = performance.now() + 5000
  while (!holds()) {
    assert.ok(performance.now() < endMs, holds.toString())
    await sleep(5)
  }
}

test('each worker knows what the others have; without the coordinator it keeps to its share', async () => {
  await using folder = await temporaryFolder()
  const socket = path.join(folder.path, 'link.sock')
  const server = await serve(socket)
  using first = connect(socket, 'worker-1.1')
  const second = connect(socket, 'worker-2.2')
  assert.equal(first.count.others(), 5) // of 11 its share is 6
  await until(() => first.count.others() === 0 && second.count.others() === 0)
  second.own = 9
  await until(() => first.count.others() === 9)
  assert.equal(second.count.others(), 0)
  second[Symbol.dispose]()
  await until(() => first.count.others() === 0)
  await server.close(1000)
  await until(() => first.count.others() === 5)
})

test('a coordinator that comes back learns what there is', async () => {
  await using folder = await temporaryFolder()
  const socket = path.join(folder.path, 'link.sock')
  const before = await serve(socket)
  using first = connect(socket, 'worker-1.1')
  using second = connect(socket, 'worker-2.2')
  second.own = 4
  await until(() => first.count.others() === 4)
  await before.close(1000)
  const after = await serve(socket)
  await until(() => first.count.others() === 4)
  await after.close(1000)
})
