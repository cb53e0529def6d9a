import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { after, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { openMetricsServer, type Health } from './metrics-server.ts'
import { TelemetryOpenError } from './telemetry-open-error.ts'

let health: Health = { kind: 'ok' }
let exposition = () => 'a_total 1\n'

const server = await openMetricsServer({
  address: '127.0.0.1',
  port: 0,
  exposition: () => exposition(),
  health: () => health,
})
after(() => server.close())

const url = `http://127.0.0.1:${server.port}`

test('GET /metrics is the exposition with its content type', async () => {
  const response = await fetch(`${url}/metrics?x=1`)
  assert.equal(response.status, 200)
  assert.equal(response.headers.get('content-type'), 'text/plain; version=0.0.4; charset=utf-8')
  assert.equal(await response.text(), 'a_total 1\n')
})

test('GET /healthz is ok or 503 with the reason', async () => {
  const ok = await fetch(`${url}/healthz`)
  assert.deepEqual([ok.status, await ok.text()], [200, 'ok\n'])
  health = { kind: 'unavailable', reason: 'draining\r\nx' }
  const unavailable = await fetch(`${url}/healthz`)
  assert.deepEqual([unavailable.status, await unavailable.text()], [503, 'draining??x\n'])
  health = { kind: 'ok' }
})

test('everything else is 404', async () => {
  const requests: readonly (readonly [string, string])[] = [
    ['GET', '/'],
    ['GET', '/metrics/'],
    ['GET', '//metrics'],
    ['POST', '/metrics'],
    ['DELETE', '/healthz'],
  ]
  for (const [method, path] of requests) {
    const response = await fetch(url + path, { method })
    assert.equal(response.status, 404, `${method} ${path}`)
    await response.text()
  }
})

test('HEAD has the headers and no body', async () => {
  const response = await fetch(`${url}/metrics`, { method: 'HEAD' })
  assert.deepEqual([response.status, response.headers.get('content-length')], [200, '10'])
  assert.equal(await response.text(), '')
})

test('a function that throws is a 500 without its words, and the server lives', async () => {
  exposition = () => {
    throw new Error('a secret')
  }
  const response = await fetch(`${url}/metrics`)
  assert.deepEqual([response.status, await response.text()], [500, 'internal error\n'])
  exposition = () => 'a_total 2\n'
  assert.equal(await (await fetch(`${url}/metrics`)).text(), 'a_total 2\n')
})

test('nonsense and endless headers end the connection, not the server', async () => {
  for (const text of ['EHLO x\r\n\r\n', `GET / HTTP/1.1\r\nX: ${'y'.repeat(100_000)}\r\n\r\n`]) {
    const socket = connectTo(server.port)
    socket.write(text)
    await closed(socket)
  }
  assert.equal((await fetch(`${url}/healthz`)).status, 200)
})

test('connections beyond the limit are closed at once, and free places are used again', async () => {
  const sockets = Array.from({ length: 100 }, () => connectTo(server.port))
  let closedCount = 0
  for (const socket of sockets) void closed(socket).then(() => (closedCount += 1))
  await until(() => Promise.resolve(closedCount >= 60))
  assert.ok(closedCount < 100, 'some are held')
  for (const socket of sockets) socket.destroy()
  await until(() =>
    fetch(`${url}/healthz`).then(
      ({ status }) => status === 200,
      () => false,
    ),
  )
})

test('a port in use is an error with a code', async () => {
  await assert.rejects(
    openMetricsServer({
      address: '127.0.0.1',
      port: server.port,
      exposition: () => '',
      health: () => ({ kind: 'ok' }),
    }),
    (error) => error instanceof TelemetryOpenError && error.code === 'EADDRINUSE',
  )
})

test('close gives the port back although a client holds a connection', async () => {
  const other = await openMetricsServer({
    address: '127.0.0.1',
    port: 0,
    exposition: () => '',
    health: () => ({ kind: 'ok' }),
  })
  const socket = connectTo(other.port)
  await once(socket, 'connect')
  await other.close()
  await assert.rejects(fetch(`http://127.0.0.1:${other.port}/healthz`))
  socket.destroy()
})

function connectTo(port: number): Socket {
  const socket = connect(port, '127.0.0.1')
  socket.on('error', () => {}) // a reset is an end too
  return socket.resume()
}

function closed(socket: Socket): Promise<void> {
  return new Promise((resolve) => void socket.once('close', () => resolve()))
}

async function until(isDone: () => Promise<boolean>): Promise<void> {
  for (let turn = 0; turn < 500; turn += 1) {
    if (await isDone()) return
    await sleep(20)
  }
  assert.fail('it did not happen within 10 s')
}
