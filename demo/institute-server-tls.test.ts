import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import {
  createAuthority,
  isOpensslAvailable,
  type CertificateFiles,
  type TestAuthority,
} from '../test/support/certificates.ts'
import { connectRaw } from '../test/support/raw-client.ts'
import { startInstituteServer } from './institute-server.ts'

const skip = (await isOpensslAvailable()) ? false : 'the openssl command (3.0 or later) is missing'
let authority: TestAuthority
let tls: CertificateFiles

before(async () => {
  if (skip !== false) return
  authority = await createAuthority()
  tls = await authority.issue({ names: ['mail.inst.example'], addresses: ['127.0.0.1'] })
})
after(() => (skip === false ? authority[Symbol.asyncDispose]() : undefined))

test('STARTTLS with a certificate that verifies; the greeting starts again', { skip }, async () => {
  await using server = await startInstituteServer({ tls })
  await using client = await connectRaw({ port: server.port })
  await client.expect(220)
  assert.match(await client.command('EHLO x', 250), /STARTTLS/)
  const { certificate: ca } = authority.ca
  await client.startTls({ ca, servername: 'mail.inst.example', rejectUnauthorized: true })
  await client.command('MAIL FROM:<>', 503)
  assert.doesNotMatch(await client.command('EHLO x', 250), /STARTTLS/)
  await client.command('MAIL FROM:<>', 250)
  await client.command('RCPT TO:<bob@inst.example>', 250)
  await client.command('DATA', 354)
  await client.send('over TLS\r\n.\r\n')
  await client.expect(250)
  await client.command('QUIT', 221)
  await client.closed()
  assert.deepEqual(server.mails[0]?.tls, {
    protocol: 'TLSv1.3',
    cipher: server.mails[0]?.tls?.cipher,
    servername: 'mail.inst.example',
    isResumed: false,
  })
  assert.match(server.mails[0]?.tls?.cipher ?? '', /^TLS_/)
})

test('a client can resume its TLS session', { skip }, async () => {
  await using server = await startInstituteServer({ tls })
  await using first = await connectRaw({ port: server.port })
  await first.expect(220)
  const socket = await first.startTls()
  const ticket = new Promise<Buffer>((resolve) => socket.once('session', resolve))
  await first.command('EHLO x', 250)
  await using second = await connectRaw({ port: server.port })
  await second.expect(220)
  await second.startTls({ session: await ticket })
  await second.command('EHLO x', 250)
  assert.equal(server.connections[1]?.tls?.isResumed, true)
})

test('plaintext behind STARTTLS ends the connection', { skip }, async () => {
  await using server = await startInstituteServer({ tls })
  await using client = await connectRaw({ port: server.port })
  await client.expect(220)
  await client.send('STARTTLS\r\nRSET\r\n')
  await client.expect(554)
  await client.closed()
  assert.equal(server.connections[0]?.bytesBehindStartTls, 6)
})

test('a handshake that fails is among the failures', { skip }, async () => {
  await using server = await startInstituteServer({ tls })
  await using client = await connectRaw({ port: server.port })
  await client.expect(220)
  await client.command('STARTTLS', 220)
  await client.send('this is no handshake\r\n')
  while (server.failures.length === 0) await new Promise((resolve) => setTimeout(resolve, 5))
  assert.match(String(server.failures[0]), /TLS|SSL|wrong version/i)
})
