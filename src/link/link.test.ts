import assert from 'node:assert/strict'
import path from 'node:path'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { temporaryFolder } from '../../test/support/temporary-folder.ts'
import { connectLink, type LinkClient } from './connect-link.ts'
import { encodeFrame, FrameDecoder } from './frames.ts'
import { LinkError, type LinkHandlers } from './link.ts'
import { serveLink, type LinkServer } from './serve-link.ts'

const nothing: LinkHandlers = { asked: {}, told: {} }

async function serve(socket: string, handlers: LinkHandlers): Promise<LinkServer> {
  return await serveLink({
    path: socket,
    name: 'server',
    handlers,
    onPeer: () => undefined,
    onGone: () => undefined,
  })
}

async function connect(socket: string, handlers: LinkHandlers = nothing): Promise<LinkClient> {
  const client = connectLink({
    path: socket,
    name: 'client',
    handlers,
    onUp: () => undefined,
    onDown: () => undefined,
  })
  while (!client.isUp()) await sleep(5)
  return client
}

test('frames cut anywhere are the same frames', () => {
  const bytes = Buffer.from('content \u0000 bytes')
  const wire = Buffer.concat([
    ...encodeFrame({ kind: 'ask', text: 'ä€' }, bytes),
    ...encodeFrame(null, null),
    ...encodeFrame([1, 2], Buffer.alloc(100_000, 7)),
  ])
  const whole = new FrameDecoder().push(wire)
  assert.equal(whole.length, 3)
  for (const size of [1, 2, 7, 8, 9, 4096]) {
    const decoder = new FrameDecoder()
    const frames = []
    for (let offset = 0; offset < wire.length; offset += size) {
      frames.push(...decoder.push(wire.subarray(offset, offset + size)))
    }
    assert.deepEqual(frames, whole, `pieces of ${size}`)
  }
  assert.deepEqual(whole[0]?.bytes, bytes)
})

test('a frame that claims to be larger than any is refused', () => {
  assert.throws(() => new FrameDecoder().push(Buffer.alloc(8, 0xff)), /too large/)
})

test('questions get their own answers, with bytes, in any order', async () => {
  await using folder = await temporaryFolder()
  const socket = path.join(folder.path, 'link.sock')
  const server = await serve(socket, {
    asked: {
      twice: async ({ value, bytes }) => {
        await sleep(typeof value === 'number' ? value : 0)
        return { value, bytes: bytes === null ? null : Buffer.concat([bytes, bytes]) }
      },
    },
    told: {},
  })
  const client = await connect(socket)
  const answers = await Promise.all(
    [30, 0, 15].map((ms) => client.ask('twice', { value: ms, bytes: Buffer.from(`${ms}`) }, 2000)),
  )
  assert.deepEqual(
    answers.map(({ value, bytes }) => [value, bytes?.toString()]),
    [
      [30, '3030'],
      [0, '00'],
      [15, '1515'],
    ],
  )
  client.close()
  await server.close(1000)
})

test('failures: no such question, a handler that throws, no answer in time', async () => {
  await using folder = await temporaryFolder()
  const socket = path.join(folder.path, 'link.sock')
  const server = await serve(socket, {
    asked: {
      fails: async () => await Promise.reject(new Error('the disk is full')),
      hangs: async () => await new Promise(() => undefined),
    },
    told: {},
  })
  const client = await connect(socket)
  const failure = async (method: string): Promise<string> =>
    await client.ask(method, { value: null, bytes: null }, 50).then(
      () => 'answered',
      (error: unknown) =>
        error instanceof LinkError ? `${error.kind}: ${error.message}` : 'other',
    )
  assert.match(await failure('unheard'), /^failed: nobody answers unheard/)
  assert.equal(await failure('fails'), 'failed: the disk is full')
  assert.match(await failure('hangs'), /^lost: no answer/)
  client.close()
  await server.close(1000)
  assert.match(await failure('fails'), /^away/)
})

test('a server that goes loses the questions under way, and is found again when it is back', async () => {
  await using folder = await temporaryFolder()
  const socket = path.join(folder.path, 'link.sock')
  const news: unknown[] = []
  const hanging: LinkHandlers = {
    asked: { hangs: async () => await new Promise(() => undefined) },
    told: {},
  }
  const first = await serve(socket, hanging)
  const client = await connect(socket, { asked: {}, told: { news: (value) => news.push(value) } })
  const question = client.ask('hangs', { value: null, bytes: null }, 5000)
  const closed = first.close(50)
  await assert.rejects(question, { name: 'LinkError', kind: 'lost' })
  await closed
  await assert.rejects(client.ask('hangs', { value: null, bytes: null }, 50), { kind: 'away' })
  const second = await serve(socket, hanging)
  while (!client.isUp()) await sleep(5)
  second.tellAll('news', { number: 1 })
  while (news.length === 0) await sleep(5)
  assert.deepEqual(news, [{ number: 1 }])
  client.close()
  await second.close(1000)
})

test('a server that closes answers what it was asked, and takes no more questions', async () => {
  await using folder = await temporaryFolder()
  const socket = path.join(folder.path, 'link.sock')
  const { promise: mayAnswer, resolve: answer } = Promise.withResolvers<void>()
  const slow: LinkHandlers = {
    asked: {
      slow: async () => {
        await mayAnswer
        return { value: 'done', bytes: null }
      },
    },
    told: {},
  }
  const server = await serve(socket, slow)
  const client = await connect(socket)
  const early = client.ask('slow', { value: null, bytes: null }, 5000)
  await sleep(20)
  const closed = server.close(5000)
  await assert.rejects(client.ask('slow', { value: null, bytes: null }, 5000), { kind: 'away' })
  answer()
  assert.equal((await early).value, 'done')
  await closed
  client.close()
})

test('a path that no socket can have is refused', async () => {
  await assert.rejects(serve(`/tmp/${'x'.repeat(110)}`, nothing), /at most 107 bytes/)
})
