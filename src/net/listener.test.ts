import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect as connectSocket } from 'node:net'
import { test } from 'node:test'
import type { Connection } from './connection.ts'
import { openListener } from './listener.ts'

function open(port: number, onConnection: (connection: Connection) => void = () => undefined) {
  return openListener({
    address: '127.0.0.1',
    port,
    onConnection,
    onError: (error) => {
      throw error
    },
  })
}

test('port 0 is the port the system chose; a port that is taken is refused', async () => {
  const listener = await open(0)
  assert.notEqual(listener.address.port, 0)
  await assert.rejects(open(listener.address.port), { code: 'EADDRINUSE' })
  listener.close()
})

test('a client that has ended its side still gets what is written', async () => {
  const connections: Connection[] = []
  const listener = await open(0, (connection) => {
    connections.push(connection)
    connection.attach({
      onData: () => undefined,
      onEnd: () => {
        connection.write('late but complete')
        connection.end()
      },
      onDrain: () => undefined,
      onClose: () => undefined,
    })
  })
  const socket = connectSocket(listener.address.port, '127.0.0.1')
  let heard = ''
  socket.on('data', (chunk: Buffer) => (heard += chunk.toString()))
  socket.end('bye')
  await once(socket, 'close')
  assert.equal(heard, 'late but complete')
  assert.equal(connections[0]?.remote.address, '127.0.0.1')
  listener.close()
})

test('nothing that arrives before somebody listens is lost', async () => {
  let heard = ''
  const { promise, resolve } = Promise.withResolvers<null>()
  const listener = await open(0, (connection) => {
    setTimeout(() => {
      connection.attach({
        onData: (chunk) => (heard += chunk.toString()),
        onEnd: () => resolve(null),
        onDrain: () => undefined,
        onClose: () => undefined,
      })
    }, 50)
  })
  const socket = connectSocket(listener.address.port, '127.0.0.1')
  socket.end('early')
  await promise
  assert.equal(heard, 'early')
  socket.destroy()
  listener.close()
})

test('closed: no new connections, the old ones go on', async () => {
  const connections: Connection[] = []
  const listener = await open(0, (connection) => {
    connections.push(connection)
    connection.attach({
      onData: (chunk) => void connection.write(chunk),
      onEnd: () => connection.end(),
      onDrain: () => undefined,
      onClose: () => undefined,
    })
  })
  const { port } = listener.address
  const socket = connectSocket(port, '127.0.0.1')
  await once(socket, 'connect')
  while (connections.length === 0) await new Promise((resolve) => setTimeout(resolve, 5))
  listener.close()
  socket.write('still here')
  const [echo] = (await once(socket, 'data')) as [Buffer]
  assert.equal(echo.toString(), 'still here')
  const second = connectSocket(port, '127.0.0.1')
  const [error] = (await once(second, 'error')) as [NodeJS.ErrnoException]
  assert.equal(error.code, 'ECONNREFUSED')
  socket.destroy()
})
