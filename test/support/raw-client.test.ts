import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { startScriptedServer, type Script } from './hostile-server.ts'
import { connectRaw, type RawClient } from './raw-client.ts'

/** Runs both ends: the server by its script, the client by `play`. */
async function meet(script: Script, play: (client: RawClient) => Promise<void>): Promise<void> {
  await using server = await startScriptedServer(script)
  await using client = await connectRaw({ port: server.port, deadlineMs: 1000 })
  await play(client)
  await client[Symbol.asyncDispose]()
  await server.close()
  assert.deepEqual(server.failures, [])
}

test('a reply of several lines in several packets is one reply', () =>
  meet(
    async (connection) => {
      await connection.sendSlowly('250-a\r\n250-b\r\n250 c\r\n220 next\r\n', 1, 5)
      await connection.untilPeerLeaves()
    },
    async (client) => {
      assert.equal(await client.expect(250), '250-a\n250-b\n250 c')
      assert.equal(await client.expect(/next/), '220 next')
      assert.ok(client.chunks().length > 2)
    },
  ))

test('replies of one write are one chunk', () =>
  meet(
    async (connection) => {
      await connection.send('250 a\r\n250 b\r\n')
      await connection.expect(/^go$/)
      await connection.send('250 c\r\n')
    },
    async (client) => {
      assert.deepEqual(await client.readReplies(2), ['250 a', '250 b'])
      assert.equal(client.chunks().length, 1)
      client.forgetChunks()
      await client.command('go', 250)
      assert.equal(client.chunks()[0]?.data.toString(), '250 c\r\n')
      await client.closed()
    },
  ))

test('another code, other words, silence and the end of the connection fail', () =>
  meet(
    async (connection) => {
      await connection.send('250 a\r\n250 b\r\n')
      await connection.expect(/^end$/)
    },
    async (client) => {
      await assert.rejects(client.expect(550), /expected 550, got: 250 a/)
      await assert.rejects(client.expect(/c/))
      await assert.rejects(client.expect(250, 30), { code: 'DEADLINE' })
      await client.silent(30)
      await assert.rejects(client.closed(30), { code: 'DEADLINE' })
      await client.send('end\r\n')
      await assert.rejects(client.expect(250), /the connection ended instead of a reply/)
      await client.closed()
      await assert.rejects(client.silent(30), /the connection ended/)
    },
  ))

test('text instead of the end fails', () =>
  meet(
    async (connection) => {
      await connection.send('250 more\r\n')
    },
    async (client) => {
      await assert.rejects(client.closed(), /250 more/)
    },
  ))

test('a reset counts as closed', () =>
  meet(
    async (connection) => {
      await sleep(20)
      connection.reset()
    },
    (client) => client.closed(),
  ))

test('after end, replies still come', () =>
  meet(
    async (connection) => {
      await connection.untilPeerLeaves()
      await connection.send('221 Bye\r\n')
    },
    async (client) => {
      client.end()
      await client.expect(221)
      await client.closed()
    },
  ))
