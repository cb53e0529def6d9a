// The ledger of several workers: remote-ledger-book.ts and serve-ledger.ts over a real link.

import assert from 'node:assert/strict'
import path from 'node:path'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { MemoryLedgerBook } from '#intake/intake.ts'
import { connectLink, type LinkClient } from '#link/connect-link.ts'
import { serveLink, type LinkServer } from '#link/serve-link.ts'
import { temporaryFolder } from '../../../test/support/temporary-folder.ts'
import { news } from './calls.ts'
import { RemoteLedgerBook } from './remote-ledger-book.ts'
import { serveLedger } from './serve-ledger.ts'

interface Shared extends AsyncDisposable {
  readonly first: RemoteLedgerBook
  readonly second: RemoteLedgerBook
  readonly loseFirst: () => void
  readonly server: LinkServer
  readonly later: (ms: number) => void
}

async function share(): Promise<Shared> {
  const folder = await temporaryFolder()
  const socket = path.join(folder.path, 'link.sock')
  const clock = { now: 1000 }
  const ledger = serveLedger(new MemoryLedgerBook(() => clock.now), (isEmpty) =>
    server.tellAll(news.ledgerEmpty, isEmpty),
  )
  const server: LinkServer = await serveLink({
    path: socket,
    name: 'coordinator',
    handlers: { asked: ledger.asked, told: ledger.told },
    onPeer: () => undefined,
    onGone: ledger.onGone,
  })
  const [first, second] = [await connect(socket, 'worker-1.1'), await connect(socket, 'worker-2.2')]
  return {
    first: first.book,
    second: second.book,
    loseFirst: () => first.link.close(),
    server,
    later: (ms) => {
      clock.now += ms
      ledger.look()
    },
    [Symbol.asyncDispose]: async () => {
      first.link.close()
      second.link.close()
      await server.close(1000)
      await folder[Symbol.asyncDispose]()
    },
  }
}

async function connect(
  socket: string,
  name: string,
): Promise<{ readonly link: LinkClient; readonly book: RemoteLedgerBook }> {
  const made: { book: RemoteLedgerBook | null } = { book: null }
  const link = connectLink({
    path: socket,
    name,
    handlers: {
      asked: {},
      told: { [news.ledgerEmpty]: (value) => made.book?.heard(value === true) },
    },
    onUp: () => undefined,
    onDown: () => undefined,
  })
  const book = new RemoteLedgerBook(link)
  made.book = book
  while (!link.isUp()) await sleep(5)
  return { link, book }
}

async function untilEmpty(book: RemoteLedgerBook, isEmpty: boolean): Promise<void> {
  while (book.isEmpty() !== isEmpty) await sleep(5)
}

test('what one worker expects the other one waits for, and both forget', async () => {
  await using shared = await share()
  const { first, second } = shared
  const { promise: outcome, resolve } = Promise.withResolvers<readonly string[]>()
  await first.expect('key', Promise.resolve('print'), outcome)
  await untilEmpty(second, false)
  assert.equal(await second.hasAlike('key'), true)
  assert.equal(await second.hasAlike('other'), false)
  let isAnswered = false
  const served = second.served('key', 'print').finally(() => (isAnswered = true))
  await sleep(50)
  assert.equal(isAnswered, false)
  resolve(['a@inst.example'])
  assert.deepEqual(await served, ['a@inst.example'])
  assert.deepEqual(await second.served('key', 'another print'), [])
  await second.forget('key', 'print')
  await untilEmpty(first, true)
  await untilEmpty(second, true)
})

test('a worker that is lost while it hands over: nobody is known to be served', async () => {
  await using shared = await share()
  await shared.first.expect('key', Promise.resolve('print'), new Promise(() => undefined))
  const served = shared.second.served('key', 'print')
  await sleep(20)
  shared.loseFirst()
  assert.deepEqual(await served, [])
})

test('entries that nobody asks for are forgotten all the same', async () => {
  await using shared = await share()
  await shared.first.expect('key', Promise.resolve('print'), Promise.resolve([]))
  await untilEmpty(shared.second, false)
  shared.later(5 * 3_600_000)
  await untilEmpty(shared.second, true)
})

test('without a coordinator nothing is remembered, and nobody waits', async () => {
  await using shared = await share()
  await shared.server.close(0)
  const { first } = shared
  await first.expect('key', Promise.resolve('print'), Promise.resolve(['a@inst.example']))
  assert.deepEqual(await first.served('key', 'print'), [])
  assert.equal(await first.hasAlike('key'), false)
})
