import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import net from 'node:net'
import tls from 'node:tls'
import { copyFile, rename, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { createAuthority, isOpensslAvailable } from '../../test/support/certificates.ts'
import { temporaryFolder } from '../../test/support/temporary-folder.ts'
import { Connection } from './connection.ts'
import { openServerTls } from './server-tls.ts'

const skip = (await isOpensslAvailable()) ? false : 'the openssl command (3.0 or later) is missing'

test('without files there is no certificate, also after a reload', async () => {
  const told: string[] = []
  const opened = await openServerTls({
    files: [],
    pollMs: 10,
    onReloaded: () => told.push('reloaded'),
    onFailed: () => told.push('failed'),
  })
  assert.equal(opened.handshake(), null)
  await opened.reload()
  await sleep(50)
  assert.equal(opened.handshake(), null)
  assert.deepEqual(told, [])
  opened.close()
})

test('files that cannot be used at the start are an error', async () => {
  await using folder = await temporaryFolder()
  const files = [{ certificate: path.join(folder.path, 'a'), key: path.join(folder.path, 'b') }]
  const options = { files, pollMs: 10, onReloaded: () => undefined, onFailed: () => undefined }
  await assert.rejects(openServerTls(options), { code: 'ENOENT' })
})

test('changed files are found; broken ones are told once, and the old stay', { skip }, async () => {
  await using authority = await createAuthority()
  await using folder = await temporaryFolder()
  const certificate = path.join(folder.path, 'relay.pem')
  const key = path.join(folder.path, 'relay.key')
  const [first, second] = await Promise.all([
    authority.issue({ names: ['a.example'] }),
    authority.issue({ names: ['b.example'] }),
  ])
  const install = async (files: typeof first): Promise<void> => {
    await copyFile(files.keyPath, key)
    await copyFile(files.certificatePath, certificate)
  }
  await install(first)
  const told: string[] = []
  const opened = await openServerTls({
    files: [{ certificate, key }],
    pollMs: 20,
    onReloaded: () => told.push('reloaded'),
    onFailed: () => told.push('failed'),
  })
  const atStart = opened.handshake()
  assert.notEqual(atStart, null)
  await sleep(80)
  assert.deepEqual(told, [])

  await writeFile(`${certificate}.new`, 'not a certificate')
  await rename(`${certificate}.new`, certificate)
  await sleep(150)
  assert.deepEqual(told, ['failed'])
  assert.equal(opened.handshake(), atStart)
  await assert.rejects(opened.reload())
  assert.equal(opened.handshake(), atStart)

  await install(second)
  await sleep(150)
  assert.equal(told.at(-1), 'reloaded')
  assert.notEqual(opened.handshake(), atStart)

  // A key of another certificate is broken as well.
  const good = opened.handshake()
  await copyFile(first.keyPath, key)
  await sleep(150)
  assert.equal(told.at(-1), 'failed')
  assert.equal(opened.handshake(), good)
  opened.close()
})

test(
  'a new key for tickets: old ones are worth nothing, whatever has become of the files',
  { skip },
  async () => {
    await using stack = new AsyncDisposableStack()
    const authority = stack.use(await createAuthority())
    const folder = stack.use(await temporaryFolder())
    const { certificatePath, keyPath } = await authority.issue({ names: ['relay.example'] })
    const certificate = path.join(folder.path, 'relay.pem')
    await copyFile(certificatePath, certificate)
    const options = {
      files: [{ certificate, key: keyPath }],
      pollMs: 10_000,
      ticketKeys: randomBytes(48),
      onReloaded: () => undefined,
      onFailed: () => undefined,
    }
    // As two workers with one key.
    const workers = [await openServerTls(options), await openServerTls(options)] as const
    for (const worker of workers) stack.defer(() => worker.close())
    const ports = await Promise.all(
      workers.map(async (worker) => {
        const listener = net.createServer((socket) => {
          const handshake = worker.handshake()
          if (handshake === null) return
          socket.on('error', () => undefined)
          const connection = new Connection(socket)
          connection
            .startTlsServer(handshake)
            .then(() => connection.write('220 hello\r\n'))
            .catch(() => undefined)
        })
        await once(listener.listen(0, '127.0.0.1'), 'listening')
        stack.defer(() => void listener.close())
        return (listener.address() as net.AddressInfo).port
      }),
    )
    for (const maxVersion of ['TLSv1.2', 'TLSv1.3'] as const) {
      const visit = async (
        index: 0 | 1,
        session?: Buffer,
      ): Promise<{ readonly isResumed: boolean; readonly session: Buffer }> => {
        const place = { port: ports[index] ?? 0, host: '127.0.0.1', rejectUnauthorized: false }
        const resume = session === undefined ? {} : { session }
        const socket = tls.connect({ ...place, maxVersion, ...resume })
        let ticket = session
        socket.on('session', (given: Buffer) => (ticket = given))
        await once(socket, 'data')
        const isResumed = socket.isSessionReused()
        socket.destroy()
        assert.ok(ticket !== undefined)
        return { isResumed, session: ticket }
      }
      await copyFile(certificatePath, certificate)
      const first = await visit(0)
      assert.equal(first.isResumed, false)
      assert.equal((await visit(1, first.session)).isResumed, true)
      await writeFile(certificate, 'not a certificate')
      const keys = randomBytes(48)
      for (const worker of workers) worker.useTicketKeys(keys)
      const second = await visit(0, first.session)
      assert.equal(second.isResumed, false)
      assert.equal((await visit(1, second.session)).isResumed, true)
    }
  },
)

test('by the name the client asks for, one certificate of each kind of key', { skip }, async () => {
  await using stack = new AsyncDisposableStack()
  const authority = stack.use(await createAuthority())
  const issued = await Promise.all([
    authority.issue({ names: ['relay.example'] }),
    authority.issue({ names: ['relay.example'], keyType: 'rsa' }),
    authority.issue({ names: ['other.example', '*.many.example'] }),
  ])
  const server = await openServerTls({
    files: issued.map(({ certificatePath, keyPath }) => ({
      certificate: certificatePath,
      key: keyPath,
    })),
    pollMs: 10_000,
    onReloaded: () => undefined,
    onFailed: () => undefined,
  })
  stack.defer(() => server.close())
  const listener = net.createServer((socket) => {
    const handshake = server.handshake()
    if (handshake === null) return
    socket.on('error', () => undefined)
    void new Connection(socket).startTlsServer(handshake).catch(() => undefined)
  })
  await once(listener.listen(0, '127.0.0.1'), 'listening')
  const { port } = listener.address() as net.AddressInfo
  stack.defer(() => void listener.close())
  const shown = async (servername: string, kind: 'ECDSA' | 'RSA'): Promise<string> => {
    const socket = tls.connect({
      port,
      host: '127.0.0.1',
      servername,
      // What a client of TLS 1.2 wants is in its ciphers.
      maxVersion: 'TLSv1.2',
      ciphers: `ECDHE-${kind}-AES128-GCM-SHA256`,
      rejectUnauthorized: false,
    })
    await once(socket, 'secureConnect')
    const { subjectaltname, asn1Curve } = socket.getPeerCertificate()
    socket.destroy()
    return `${subjectaltname} ${asn1Curve === undefined ? 'rsa' : 'ec'}`
  }
  const [ec, rsa] = ['ECDSA', 'RSA'] as const
  assert.equal(await shown('relay.example', ec), 'DNS:relay.example ec')
  assert.equal(await shown('relay.example', rsa), 'DNS:relay.example rsa')
  assert.equal(await shown('other.example', ec), 'DNS:other.example, DNS:*.many.example ec')
  assert.equal(await shown('x.many.example', ec), 'DNS:other.example, DNS:*.many.example ec')
  assert.equal(await shown('relay.example', rsa), 'DNS:relay.example rsa')
  // Nobody's name, and names that are none, get the first ones.
  for (const name of ['x.example', 'a'.repeat(250), 'xn--.example', '..', '*', 'relay.example.']) {
    assert.match(await shown(name, ec), / ec$/, name)
  }
  assert.equal(await shown('nobody.example', rsa), 'DNS:relay.example rsa')
})

test('a key that belongs to no certificate shown is found at once', { skip }, async () => {
  await using authority = await createAuthority()
  const [first, second] = await Promise.all([
    authority.issue({ names: ['a.example'] }),
    authority.issue({ names: ['b.example'] }),
  ])
  const files = [
    { certificate: first.certificatePath, key: first.keyPath },
    { certificate: second.certificatePath, key: first.keyPath },
  ]
  const options = { files, pollMs: 10_000, onReloaded: () => undefined, onFailed: () => undefined }
  await assert.rejects(openServerTls(options))
})
