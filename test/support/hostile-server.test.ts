import assert from 'node:assert/strict'
import { test } from 'node:test'
import { startScriptedServer } from './hostile-server.ts'
import { connectRaw } from './raw-client.ts'

test('a script reads lines and content, and what it read is kept', async () => {
  await using server = await startScriptedServer(async (connection) => {
    await connection.send('220 x\r\n')
    await connection.expect(/^DATA$/)
    await connection.send('354 x\r\n')
    await connection.readContent()
    await connection.send('250 x\r\n')
    await connection.expect(/^QUIT$/)
  })
  await using client = await connectRaw({ port: server.port })
  await client.expect(220)
  await client.command('DATA', 354)
  await client.send('.')
  await client.send('.a\r\n.\r')
  await client.send('\nQUIT\r\n')
  await client.expect(250)
  await client.closed()
  assert.deepEqual(server.lines, ['DATA', 'QUIT'])
  assert.equal(server.connections[0]?.contents[0]?.toString(), '..a\r\n.\r\n')
  assert.deepEqual(server.failures, [])
})

test('an empty content ends at once', async () => {
  await using server = await startScriptedServer(async (connection) => {
    await connection.readContent()
    await connection.send('250 x\r\n')
  })
  await using client = await connectRaw({ port: server.port })
  await client.send('.\r\n')
  await client.expect(250)
})

test('what a script did not expect is a failure; a peer that leaves is none', async () => {
  await using server = await startScriptedServer(async (connection) => {
    await connection.expect(/^EHLO/)
    await connection.expect(/^MAIL/, 50)
  })
  await using wrong = await connectRaw({ port: server.port })
  await wrong.send('HELO x\r\n')
  await wrong.closed()
  await using late = await connectRaw({ port: server.port })
  await late.send('EHLO x\r\n')
  await late.closed()
  await using leaves = await connectRaw({ port: server.port })
  await leaves.send('EHLO x\r\n')
  leaves.end()
  await leaves.closed()
  // How much of the 50 ms was left depends on how the bytes came in.
  const said = server.failures.map((failure) => (failure instanceof Error ? failure.message : ''))
  assert.equal(said.length, 2)
  assert.equal(said[0], 'expected /^EHLO/, got: HELO x')
  assert.match(said[1] ?? '', /^nothing arrived for \d+ ms$/)
})

test('close ends scripts that wait', async () => {
  const server = await startScriptedServer((connection) => connection.untilPeerLeaves())
  await using client = await connectRaw({ port: server.port })
  while (server.connections.length === 0) await new Promise((resolve) => setTimeout(resolve, 5))
  await server.close()
  await client.closed()
})
