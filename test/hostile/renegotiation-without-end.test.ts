// With TLS 1.2 a client may ask for a new handshake within the old one, again and again: each costs the server
// many times what it costs the client. It gets none.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createAuthority, isOpensslAvailable } from '../support/certificates.ts'
import { startRelay } from '../support/relay.ts'
import { openSession } from '../e2e/support/mail.ts'

const skip = (await isOpensslAvailable()) ? false : 'the openssl command (3.0 or later) is missing'

test('a client that wants to renegotiate', { skip }, async () => {
  await using authority = await createAuthority()
  const own = await authority.issue({ names: ['mailrelay1.example.org'] })
  await using relay = await startRelay({
    domains: [],
    config: { tls: { certificates: [{ certificate: own.certificatePath, key: own.keyPath }] } },
  })
  await using client = await openSession(relay)
  const socket = await client.startTls({ maxVersion: 'TLSv1.2' })
  await client.command('EHLO client.example', 250)
  const began = performance.now()
  const outcome = await new Promise<string>((resolve) => {
    socket.once('error', () => resolve('refused'))
    socket.once('close', () => resolve('refused'))
    // A client that is told no may wait for ever; it is not the one who decides.
    setTimeout(() => resolve('refused'), 1000)
    socket.renegotiate({ rejectUnauthorized: false }, (error) => {
      resolve(error === null ? 'renegotiated' : 'refused')
    })
  })
  assert.equal(outcome, 'refused')
  assert.ok(performance.now() - began < 5000)
  await using next = await openSession(relay)
  await next.startTls({ maxVersion: 'TLSv1.2' })
  await next.command('EHLO client.example', 250)
  assert.deepEqual(relay.events('internal-error'), [])
})
