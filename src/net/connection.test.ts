import assert from 'node:assert/strict'
import { test } from 'node:test'
import { once } from 'node:events'
import { connect as connectSocket, createServer } from 'node:net'
import tls from 'node:tls'
import { createHash, X509Certificate } from 'node:crypto'
import {
  createAuthority,
  isOpensslAvailable,
  type CertificateFiles,
} from '../../test/support/certificates.ts'
import { isIP } from './address.ts'
import { createClientTls } from './client-tls.ts'
import { connect } from './connect.ts'
import type { Connection, ConnectionHandler, TlsFacts, TlsResumption } from './connection.ts'
import { openListener, type Listener } from './listener.ts'
import type { ServerHandshake } from './server-tls.ts'

const skip = (await isOpensslAvailable()) ? false : 'the openssl command (3.0 or later) is missing'
const quiet: ConnectionHandler = {
  onData: () => undefined,
  onEnd: () => undefined,
  onDrain: () => undefined,
  onClose: () => undefined,
}

function listen(onConnection: (connection: Connection) => void): Promise<Listener> {
  const onError = (error: Error): void => {
    throw error
  }
  return openListener({ address: '127.0.0.1', port: 0, onConnection, onError })
}

function connectTo(listener: Listener): Promise<Connection> {
  const { address, port } = listener.address
  return connect({ address, port, timeoutMs: 1000, signal: null })
}

/** A server that takes TLS at once, echoes, and never closes by itself. */
function listenTls({ certificate, key }: CertificateFiles): Promise<Listener> {
  const context = tls.createSecureContext({ cert: certificate, key })
  return listen((connection) => {
    connection.attach({
      ...quiet,
      onData: (chunk) => void connection.write(chunk),
      onEnd: () => connection.end(),
    })
    connection.startTlsServer(handshakeOf(context)).catch(() => undefined)
  })
}

test('a peer that does not read: write says so, and onDrain when it goes on', async () => {
  const { promise: accepted, resolve } = Promise.withResolvers<Connection>()
  const listener = await listen(resolve)
  const socket = connectSocket(listener.address.port, '127.0.0.1')
  socket.pause()
  const connection = await accepted
  const { promise: drained, resolve: onDrain } = Promise.withResolvers<null>()
  connection.attach({ ...quiet, onDrain: () => onDrain(null) })
  const piece = Buffer.alloc(256 * 1024, 1)
  let writtenBytes = 0
  let isRoom = true
  while (connection.unsentBytes === 0) {
    isRoom = connection.writeAll([piece, piece])
    writtenBytes += 2 * piece.length
    assert.ok(writtenBytes < 512 * 1024 * 1024)
  }
  assert.equal(isRoom, false)
  let readBytes = 0
  socket.on('data', (chunk: Buffer) => (readBytes += chunk.length))
  socket.resume()
  await drained
  assert.equal(connection.unsentBytes, 0)
  connection.end()
  await new Promise((resolve) => socket.once('end', resolve))
  assert.equal(readBytes, writtenBytes)
  socket.destroy()
  listener.close()
})

test('paused: nothing is read; onClose comes once and last', async () => {
  const { promise: accepted, resolve } = Promise.withResolvers<Connection>()
  const listener = await listen(resolve)
  const socket = connectSocket(listener.address.port, '127.0.0.1')
  socket.on('error', () => undefined)
  const connection = await accepted
  const told: string[] = []
  connection.attach({
    onData: (chunk) => told.push(`data ${chunk.toString()}`),
    onEnd: () => told.push('end'),
    onDrain: () => undefined,
    onClose: (error) => told.push(error === null ? 'closed' : 'broken'),
  })
  connection.pause()
  socket.write('hello')
  await new Promise((go) => setTimeout(go, 50))
  assert.deepEqual(told, [])
  connection.resume()
  await new Promise((go) => setTimeout(go, 50))
  assert.deepEqual(told, ['data hello'])
  socket.resetAndDestroy()
  await new Promise((go) => setTimeout(go, 50))
  assert.deepEqual(told, ['data hello', 'broken'])
  listener.close()
})

test('a handshake that fails is told as such, and only then the connection is gone', async () => {
  const told: string[] = []
  for (const side of ['client', 'server'] as const) {
    const { promise: accepted, resolve } = Promise.withResolvers<Connection>()
    const listener = await listen(resolve)
    const socket = connectSocket(listener.address.port, '127.0.0.1')
    socket.on('error', () => undefined)
    const connection = await accepted
    const { promise: gone, resolve: onGone } = Promise.withResolvers<null>()
    connection.attach({
      ...quiet,
      onClose: () => {
        told.push(`${side} gone`)
        onGone(null)
      },
    })
    const handshake =
      side === 'server'
        ? connection.startTlsServer(handshakeOf(tls.createSecureContext()))
        : connection.startTlsClient({
            clientTls: createClientTls(null),
            sniName: 'x.example',
            names: ['x.example'],
            resume: null,
            onResumption: () => undefined,
          })
    handshake.catch(() => told.push(`${side} failed`))
    socket.write(Buffer.alloc(64, 0xa5))
    if (side === 'client') socket.end()
    await gone
    socket.destroy()
    listener.close()
  }
  assert.deepEqual(told, ['client failed', 'client gone', 'server failed', 'server gone'])
})

test('TLS: what is known of the certificate, at first and resumed', { skip }, async () => {
  await using authority = await createAuthority()
  await using stranger = await createAuthority()
  const clientTls = createClientTls([authority.ca.certificate])
  const good = await authority.issue({ names: ['good.example'], addresses: ['127.0.0.1'] })
  const untrusted = await stranger.issue({ names: ['good.example'] })

  async function handshake(
    listener: Listener,
    serverName: string,
    resume: TlsResumption | null,
  ): Promise<{ readonly facts: TlsFacts; readonly resumption: TlsResumption | null }> {
    const connection = await connectTo(listener)
    const { promise: answered, resolve } = Promise.withResolvers<null>()
    connection.attach({ ...quiet, onData: () => resolve(null) })
    let resumption: TlsResumption | null = null
    const onResumption = (value: TlsResumption): void => {
      resumption = value
    }
    const facts = await connection.startTlsClient({
      clientTls,
      sniName: isIP(serverName) ? null : serverName,
      names: [serverName],
      resume,
      onResumption,
    })
    connection.write('hello') // a ticket comes with the first data at the latest
    await answered
    assert.deepEqual(connection.tls, facts)
    connection.destroy()
    return { facts, resumption }
  }

  const cases: readonly (readonly [CertificateFiles, string, RegExp | null])[] = [
    [good, 'good.example', null],
    [good, '127.0.0.1', null],
    [good, 'other.example', /^it is not for other.example, but for DNS:good.example/],
    [good, '127.0.0.2', /^it is not for 127.0.0.2, but for /],
    [untrusted, 'good.example', /^its authority is not among the trusted ones/],
  ]
  for (const [certificate, name, problem] of cases) {
    const listener = await listenTls(certificate)
    const first = await handshake(listener, name, null)
    assert.match(first.facts.protocol, /^TLSv1\.[23]$/)
    assert.equal(first.facts.isResumed, false)
    assert.notEqual(first.resumption, null)
    const second = await handshake(listener, name, first.resumption)
    assert.equal(second.facts.isResumed, true, name)
    for (const { facts } of [first, second]) {
      assert.equal(facts.certificate?.publicKeyPin, pinOf(certificate))
      if (problem === null) assert.equal(facts.certificate?.certificateProblem, null)
      else assert.match(facts.certificate?.certificateProblem ?? 'none', problem)
    }
    listener.close()
  }
})

test('TLS: a server that begins anew within TLS 1.2 loses the connection', { skip }, async () => {
  await using authority = await createAuthority()
  const { certificate, key } = await authority.issue({ names: ['good.example'] })
  const context = { cert: certificate, key, maxVersion: 'TLSv1.2' } as const
  let isRenegotiated = false
  const server = createServer((raw) => {
    const secureContext = tls.createSecureContext(context)
    const socket = new tls.TLSSocket(raw, { isServer: true, secureContext })
    socket.on('error', () => undefined)
    socket.once('secure', () => {
      socket.renegotiate({}, (error) => void (isRenegotiated ||= error === null))
    })
    socket.resume()
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const bound = server.address()
  assert.ok(typeof bound === 'object' && bound !== null)
  const { promise: gone, resolve: onGone } = Promise.withResolvers<null>()
  const place = { address: '127.0.0.1', port: bound.port }
  const connection = await connect({ ...place, timeoutMs: 1000, signal: null })
  connection.attach({ ...quiet, onClose: () => onGone(null) })
  const facts = await connection.startTlsClient({
    clientTls: createClientTls(null),
    sniName: null,
    names: [],
    resume: null,
    onResumption: () => undefined,
  })
  assert.equal(facts.protocol, 'TLSv1.2')
  connection.write('hello') // what the server asks for is read with the next bytes at the latest
  const limit = setTimeout(() => connection.destroy(), 3000)
  await gone
  clearTimeout(limit)
  server.close()
  assert.equal(isRenegotiated, false)
})

test('handed on: the next handler gets what was read, then the rest, and the counter hears of the end', async () => {
  const heard: string[] = []
  let closedCount = 0
  const { promise: ended, resolve } = Promise.withResolvers<null>()
  const listener = await listen((connection) => {
    connection.countedBy({ connectionClosed: () => void (closedCount += 1) })
    connection.attach({
      ...quiet,
      onData: (chunk) => {
        connection.handOn(chunk)
        connection.attach({
          ...quiet,
          onData: (again) => void heard.push(again.toString()),
          onEnd: () => connection.end(),
          onClose: () => resolve(null),
        })
        assert.deepEqual(heard, []) // not before attach has returned
        socket.end('second')
      },
    })
  })
  const socket = connectSocket(listener.address.port, '127.0.0.1')
  socket.resume()
  socket.write('first')
  await ended
  assert.deepEqual(heard, ['first', 'second'])
  assert.equal(closedCount, 1)
  listener.close()
})
/** As anybody can compute it. */
function pinOf({ certificate }: CertificateFiles): string {
  const key = new X509Certificate(certificate).publicKey.export({ type: 'spki', format: 'der' })
  return `sha256//${createHash('sha256').update(key).digest('base64')}`
}

function handshakeOf(context: tls.SecureContext): ServerHandshake {
  return { context, contextFor: () => context, asksClients: false }
}

test('a handshake on a connection that is gone: it fails, and the end is told', async () => {
  for (const side of ['client', 'server'] as const) {
    const { promise: accepted, resolve } = Promise.withResolvers<Connection>()
    const listener = await listen(resolve)
    const socket = connectSocket(listener.address.port, '127.0.0.1')
    socket.on('error', () => undefined)
    const connection = await accepted
    const { promise: gone, resolve: onGone } = Promise.withResolvers<null>()
    connection.attach({ ...quiet, onClose: () => onGone(null) })
    connection.destroy()
    const handshake =
      side === 'server'
        ? connection.startTlsServer(handshakeOf(tls.createSecureContext()))
        : connection.startTlsClient({
            clientTls: createClientTls(null),
            sniName: 'x.example',
            names: ['x.example'],
            resume: null,
            onResumption: () => undefined,
          })
    await assert.rejects(handshake)
    await gone
    socket.destroy()
    listener.close()
  }
})

test('a peer that has ended its side: whoever gets the connection later is told', async () => {
  const { promise: accepted, resolve } = Promise.withResolvers<Connection>()
  const listener = await listen(resolve)
  const socket = connectSocket(listener.address.port, '127.0.0.1')
  const connection = await accepted
  const { promise: ended, resolve: onEnd } = Promise.withResolvers<null>()
  const early: Buffer[] = []
  connection.attach({ ...quiet, onData: (chunk) => early.push(chunk), onEnd: () => onEnd(null) })
  socket.end('words')
  await ended
  connection.handOn(Buffer.concat(early))
  const told: string[] = []
  const { promise: again, resolve: onEndAgain } = Promise.withResolvers<null>()
  connection.attach({
    ...quiet,
    onData: (chunk) => told.push(chunk.toString()),
    onEnd: () => onEndAgain(null),
  })
  assert.deepEqual(told, []) // not before the caller has returned
  await again
  assert.deepEqual(told, ['words'])
  connection.destroy()
  listener.close()
})
