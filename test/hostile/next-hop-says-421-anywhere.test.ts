// 421 at places where it is easily misread. At each step in turn: test/e2e/institute-breaks-off.test.ts.

import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { until } from '../e2e/support/mail.ts'
import type { ScriptedConnection, ScriptedServer } from '../support/hostile-server.ts'
import {
  attack,
  contentsOf,
  cut,
  endsAtOnce,
  honest,
  openSiege,
  send,
  type Siege,
} from './support/siege.ts'

const goodbye = '421 4.3.2 Shutting down\r\n'
let siege: Siege

before(async () => {
  siege = await openSiege(6)
})
after(() => siege[Symbol.asyncDispose]())

function serverOf(index: number): ScriptedServer {
  const server = siege.servers[index]
  assert.ok(server !== undefined)
  return server
}

async function saysGoodbye(connection: ScriptedConnection): Promise<void> {
  await connection.send(goodbye)
  connection.end()
  await connection.untilPeerLeaves()
}

test('instead of the reply to RSET: the refusal of the recipient counts', async () => {
  serverOf(0).setScript(honest({ rset: saysGoodbye }))
  assert.match(
    await send(siege.relay, { to: 'nobody@inst0.example' }),
    /^550 5\.1\.1 .*User unknown/,
  )
})

test('instead of the reply to RSET: the recipient that was taken is taken', async () => {
  serverOf(0).setScript(honest({ rset: saysGoodbye }))
  cut(serverOf(0))
  assert.match(await send(siege.relay, { to: 'known@inst0.example' }), /^250 .* says: /)
})

test('instead of the reply to RCPT: neither refused nor known', async () => {
  serverOf(0).setScript(honest({ rcpt: saysGoodbye }))
  cut(serverOf(0))
  assert.match(await send(siege.relay, { to: 'nobody2@inst0.example' }), /^451 4\.4\.1 /)
})

test('with the final 250 in one packet: the mail is there', async () => {
  const { handed, asked } = await attack(
    siege,
    1,
    honest({ final: `250 2.0.0 Ok\r\n${goodbye.trim()}` }),
  )
  for (const reply of [handed, asked]) assert.match(reply, /^250 .* says: 250 2\.0\.0 Ok/)
})

test('instead of the final reply: for now, and the spool takes it', async () => {
  const { handed, asked } = await attack(siege, 2, honest({ final: saysGoodbye }))
  for (const reply of [handed, asked]) assert.match(reply, /^250 .*taken over/)
})

test('with another reply behind it: out of step, but never a 5yz', async () => {
  const { handed, asked } = await attack(
    siege,
    3,
    honest({ rcpt: `${goodbye}550 5.1.1 No such user` }),
  )
  assert.match(handed, /^250 .*taken over/)
  assert.match(asked, /^451 4\.4\.1 /)
})

test('while the connection is idle: the next mail goes over another one', async () => {
  const server = serverOf(4)
  const to = 'known@inst4.example'
  assert.match(await send(siege.relay, { to }), /^250 .* says: /)
  for (const connection of server.connections) await connection.send(goodbye).catch(() => undefined)
  const count = server.connections.length
  assert.match(await send(siege.relay, { to }), /^250 .* says: /)
  assert.ok(server.connections.length > count)
})

test('to MAIL of a connection that was used before: tried again on a new one, once', async () => {
  const server = serverOf(5)
  const to = 'known@inst5.example'
  server.setScript(
    honest({
      // The second mail of a connection is one too many.
      mail: (connection) =>
        connection.contents.length > 0 ? saysGoodbye(connection) : connection.send('250 Ok\r\n'),
    }),
  )
  for (let count = 0; count < 4; count += 1) {
    assert.match(await send(siege.relay, { to }), /^250 .* says: /)
  }
  assert.equal(contentsOf(server).length, 4)
})

test('as the banner of every connection: known good mail waits, and arrives', async () => {
  const { handed, asked } = await attack(siege, 5, honest({ banner: saysGoodbye }))
  assert.match(handed, /^250 .*taken over/)
  assert.match(asked, /^451 4\.4\.1 /)
  await until(() => contentsOf(serverOf(5)).length >= 5)
})

test('nothing is left behind', () => endsAtOnce(siege))
