// A server that takes the content too slowly, or not to its end, or never says what became of it. The client
// has its answer within the deadline; what may have arrived is not kept as well (RFC 1047).

import assert from 'node:assert/strict'
import { createServer, type AddressInfo, type Socket } from 'node:net'
import { once } from 'node:events'
import { after, before, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { spoolOf } from '../e2e/support/outage.ts'
import type { ScriptedConnection } from '../support/hostile-server.ts'
import { hangsAt } from '../support/hostile-behaviours.ts'
import { attack, cut, endsAtOnce, honest, openSiege, send, type Siege } from './support/siege.ts'

const large = `Subject: large\r\n\r\n${`${'x'.repeat(76)}\r\n`.repeat(80_000)}`
/** `handover.contentTimeout` and `finalTimeout` of these tests are 1 s and 2 s. */
const deadlineMs = 5000

let siege: Siege

before(async () => {
  siege = await openSiege(6)
})
after(() => siege[Symbol.asyncDispose]())

async function timed(work: () => Promise<string>): Promise<string> {
  const startMs = performance.now()
  const reply = await work()
  assert.ok(performance.now() - startMs < deadlineMs, 'the client waited too long')
  return reply
}

test('it reads nothing of the content: the spool has it within the deadline', async () => {
  const script = honest({
    data: async (connection: ScriptedConnection) => {
      await connection.send('354 Go ahead\r\n')
      await sleep(3500)
    },
  })
  const { handed, asked } = await attack(siege, 0, script, large)
  for (const reply of [handed, asked]) assert.match(reply, /^250 .*taken over/)
})

test('it closes in the middle of the content', async () => {
  const script = honest({
    data: async (connection: ScriptedConnection) => {
      await connection.send('354 Go ahead\r\n')
      await connection.expect(/^Subject: large/).catch(() => undefined)
      connection.destroy()
    },
  })
  const { handed, asked } = await attack(siege, 1, script, large)
  for (const reply of [handed, asked]) assert.match(reply, /^250 .*taken over/)
})

test('it takes all and hangs: 4yz within the deadline, and nothing in the spool', async () => {
  const server = siege.servers[2]
  assert.ok(server !== undefined)
  assert.match(await send(siege.relay, { to: 'known@inst2.example' }), /^250 /)
  for (const content of ['Subject: small\r\n\r\nx\r\n', large]) {
    server.setScript(honest({ final: (connection) => connection.untilPeerLeaves() }))
    cut(server)
    const reply = await timed(() => send(siege.relay, { to: 'known@inst2.example', content }))
    assert.match(reply, /^451 4\.4\.1 /)
    assert.deepEqual(spoolOf(siege.relay), [])
  }
})

test('it takes all and closes: 4yz at once, and nothing in the spool', async () => {
  const server = siege.servers[2]
  assert.ok(server !== undefined)
  for (const end of ['end', 'reset'] as const) {
    server.setScript(
      honest({
        final: async (connection) => {
          connection[end]()
          await connection.untilPeerLeaves()
        },
      }),
    )
    cut(server)
    assert.match(
      await timed(() => send(siege.relay, { to: 'known@inst2.example' })),
      /^451 4\.4\.1 /,
    )
    assert.deepEqual(spoolOf(siege.relay), [])
  }
})

test('it takes TCP connections and says nothing: questions and mails have their deadline', async () => {
  const { handed, asked } = await attack(siege, 3, hangsAt('banner'))
  assert.match(handed, /^250 .*taken over/)
  assert.match(asked, /^451 4\.4\.1 /)
})

test('one byte a second, with a window of a few: a deadline all the same', async () => {
  const slow = createServer({ highWaterMark: 1 }, (socket) => void readSlowly(socket))
  slow.listen(0, '127.0.0.1')
  await once(slow, 'listening')
  const { port } = slow.address() as AddressInfo
  try {
    const { exitCode } = await siege.relay.pforte(
      'domain',
      'add',
      'slow.example',
      '--to',
      `127.0.0.1:${port}`,
    )
    assert.equal(exitCode, 0)
    await sleep(1200) // a running relay follows within a second
    const reply = await timed(() => send(siege.relay, { to: 'known@slow.example', content: large }))
    assert.match(reply, /^(?:451 4\.4\.1 |250 .*taken over)/)
    assert.match(await send(siege.relay, { to: 'x@healthy.example' }), /^250 /)
  } finally {
    slow.close()
  }
})

/** Answers what it knows to be asked, and reads the content byte by byte. */
async function readSlowly(socket: Socket): Promise<void> {
  socket.on('error', () => undefined)
  const answers: readonly (readonly [RegExp, string])[] = [
    [/^EHLO/m, '250 slow.example\r\n'],
    [/^MAIL/m, '250 Ok\r\n'],
    [/^RCPT/m, '250 Ok\r\n'],
    [/^RSET/m, '250 Ok\r\n'],
    [/^DATA/m, '354 Go\r\n'],
  ]
  socket.write('220 slow.example\r\n')
  for await (const chunk of socket as AsyncIterable<Buffer>) {
    const answer = answers.find(([verb]) => verb.test(chunk.toString('latin1')))
    if (answer === undefined) return readBytes(socket)
    socket.write(answer[1])
    if (answer[1].startsWith('354')) return readBytes(socket)
  }
}

async function readBytes(socket: Socket): Promise<void> {
  socket.pause()
  while (!socket.destroyed) {
    socket.read(1)
    await sleep(1000, undefined, { ref: false })
  }
}

test('nothing is left behind', () => endsAtOnce(siege))
