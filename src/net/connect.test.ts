import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer, type AddressInfo } from 'node:net'
import { test } from 'node:test'
import { connect } from './connect.ts'

const place = { address: '127.0.0.1', timeoutMs: 1000, signal: null }

async function codeOf(promise: Promise<unknown>): Promise<string> {
  const error = await promise.then(
    () => new Error('it did not fail'),
    (reason: unknown) => reason,
  )
  return error instanceof Error && 'code' in error ? String(error.code) : String(error)
}

/** A port on which nothing listens. */
async function closedPort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  server.close()
  await once(server, 'close')
  return port
}

test('a connection knows both of its ends', async () => {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  const connection = await connect({ ...place, port })
  assert.deepEqual(connection.remote, { address: '127.0.0.1', port })
  assert.equal(connection.local.address, '127.0.0.1')
  assert.notEqual(connection.local.port, 0)
  connection.destroy()
  server.close()
})

test('nobody listens: the system’s error', async () => {
  assert.equal(await codeOf(connect({ ...place, port: await closedPort() })), 'ECONNREFUSED')
})

test('given up before it began: ABORT_ERR', async () => {
  const port = await closedPort()
  assert.equal(await codeOf(connect({ ...place, port, signal: AbortSignal.abort() })), 'ABORT_ERR')
})
