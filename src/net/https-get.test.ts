// Servers that mean no good, over real sockets: whatever they do, there is an answer in time and in bounds.

import assert from 'node:assert/strict'
import { createServer, type Server, type Socket } from 'node:net'
import { once } from 'node:events'
import { after, test } from 'node:test'
import { createAuthority, isOpensslAvailable } from '../../test/support/certificates.ts'
import { startPolicyHost } from '../../test/support/policy-host.ts'
import { getOverHttps, type HttpsAnswer } from './https-get.ts'

const sockets = new Set<Socket>()
const servers: Server[] = []
after(() => {
  for (const socket of sockets) socket.destroy()
  for (const server of servers) server.close()
})

async function portOf(onSocket: (socket: Socket) => void): Promise<number> {
  const server = createServer((socket) => {
    sockets.add(socket)
    socket.on('error', () => undefined)
    onSocket(socket)
  })
  servers.push(server)
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  return typeof address === 'object' && address !== null ? address.port : 0
}

async function get(
  port: number,
  ca: readonly string[] | null = null,
  signal: AbortSignal = new AbortController().signal,
  timeoutMs: number = 30_000,
): Promise<HttpsAnswer> {
  const place = { address: '127.0.0.1', port, name: 'mta-sts.inst.example', path: '/' }
  return await getOverHttps({ ...place, ca, maxBytes: 1000, timeoutMs, signal })
}

test('a server that says nothing at all', async () => {
  const { signal } = new AbortController()
  const answer = await get(await portOf(() => undefined), null, signal, 500)
  assert.deepEqual(answer, { kind: 'failed', detail: 'no answer within 500 ms' })
})

test('a server that does not speak TLS, and one that hangs up', async () => {
  const plain = await get(await portOf((socket) => socket.write('220 hello\r\n')))
  assert.equal(plain.kind, 'failed')
  const gone = await get(await portOf((socket) => socket.destroy()))
  assert.equal(gone.kind, 'failed')
})

test('nobody there', async () => {
  const port = await portOf(() => undefined)
  const server = servers.pop()
  server?.close()
  assert.deepEqual(await get(port), { kind: 'failed', detail: 'ECONNREFUSED' })
})

test('TLS, and then nothing; then too much; then what was asked for', async (context) => {
  if (!(await isOpensslAvailable())) return context.skip('needs openssl 3')
  await using authority = await createAuthority()
  await using host = await startPolicyHost(
    await authority.issue({ names: ['mta-sts.inst.example'] }),
  )
  const port = Number(host.address.split(':')[1])
  const ca = [authority.ca.certificate]
  host.answer = { status: 200, body: '', isSilent: true }
  const { signal } = new AbortController()
  assert.equal((await get(port, ca, signal, 500)).kind, 'failed')
  host.answer = { status: 200, body: 'x'.repeat(1001) }
  assert.deepEqual(await get(port, ca), { kind: 'failed', detail: 'more than 1000 bytes' })
  host.answer = { status: 200, body: 'x'.repeat(1000) }
  const answer = await get(port, ca)
  assert.equal(answer.kind === 'answer' ? answer.body.length : 0, 1000)
  host.answer = { status: 200, body: '', headers: { 'x-long': 'x'.repeat(40_000) } }
  assert.equal((await get(port, ca)).kind, 'failed')
})

test('stopped', async () => {
  const stopping = new AbortController()
  const asked = get(await portOf(() => stopping.abort()), null, stopping.signal)
  assert.equal((await asked).kind, 'failed')
})
