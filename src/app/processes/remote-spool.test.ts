// A worker's spool over a real link.

import assert from 'node:assert/strict'
import path from 'node:path'
import { test } from 'node:test'
import { connectLink, type LinkClient } from '#link/connect-link.ts'
import type { LinkHandlers } from '#link/link.ts'
import { serveLink, type LinkServer } from '#link/serve-link.ts'
import { newEntry } from '../../../test/support/new-entry.ts'
import { temporaryFolder } from '../../../test/support/temporary-folder.ts'
import { calls, message } from './calls.ts'
import { remoteSpool } from './remote-spool.ts'

const room = (): boolean => true

async function serve(socket: string, commit: LinkHandlers['asked'][string]): Promise<LinkServer> {
  return await serveLink({
    path: socket,
    name: 'coordinator',
    handlers: { asked: { [calls.commit]: commit }, told: {} },
    onPeer: () => undefined,
    onGone: () => undefined,
  })
}

function connect(socket: string): LinkClient {
  return connectLink({
    path: socket,
    name: 'worker-1.1',
    handlers: { asked: {}, told: {} },
    onUp: () => undefined,
    onDown: () => undefined,
  })
}

test('an entry arrives whole, its content apart from it', async () => {
  await using folder = await temporaryFolder()
  const socket = path.join(folder.path, 'link.sock')
  const taken: unknown[] = []
  const server = await serve(socket, async ({ value, bytes }) => {
    taken.push(value, bytes)
    return message({ ok: true })
  })
  const link = connect(socket)
  const entry = newEntry('1')
  await remoteSpool(link, room).commit(entry)
  const { content, ...head } = entry
  assert.deepEqual(taken, [
    { ...head, content: { file: null, sizeBytes: content.sizeBytes } },
    Buffer.concat(content.prefix),
  ])
  link.close()
  await server.close(1000)
})

test('the refusal of the spool is the refusal here', async () => {
  await using folder = await temporaryFolder()
  const socket = path.join(folder.path, 'link.sock')
  const answer = { ok: false, kind: 'full', message: 'no room', isUnclear: false }
  const server = await serve(socket, async () => message(answer))
  const link = connect(socket)
  await assert.rejects(remoteSpool(link, room).commit(newEntry('1')), {
    name: 'SpoolError',
    kind: 'full',
    message: 'no room',
    isUnclear: false,
  })
  link.close()
  await server.close(1000)
})

test('a coordinator that dies over the answer: whether the mail is durable is not clear', async () => {
  await using folder = await temporaryFolder()
  const socket = path.join(folder.path, 'link.sock')
  const { promise: asked, resolve } = Promise.withResolvers<void>()
  const server = await serve(socket, async () => {
    resolve()
    return await new Promise(() => undefined)
  })
  const link = connect(socket)
  const commit = remoteSpool(link, room).commit(newEntry('1'))
  const refused = assert.rejects(commit, { name: 'SpoolError', isUnclear: true })
  await asked
  await server.close(0)
  await refused
  link.close()
})

test('a coordinator that is not there is waited for, and is asked once', async () => {
  await using folder = await temporaryFolder()
  const socket = path.join(folder.path, 'link.sock')
  const link = connect(socket)
  const spool = remoteSpool(link, room)
  const commit = spool.commit(newEntry('1'))
  let askedCount = 0
  const server = await serve(socket, async () => {
    askedCount += 1
    return message({ ok: true })
  })
  await commit
  assert.equal(askedCount, 1)
  await server.close(1000)
  link.close()
})

test('without a coordinator for too long the spool is stopped, and that is clear', async () => {
  await using folder = await temporaryFolder()
  const link = connect(path.join(folder.path, 'link.sock'))
  await assert.rejects(remoteSpool(link, room, 100).commit(newEntry('1')), {
    name: 'SpoolError',
    kind: 'stopped',
    isUnclear: false,
  })
  link.close()
})
