// Somebody between relay and institute takes STARTTLS out of the dialog, or breaks it. Where TLS is required
// nothing of a mail is said in clear, not even a question.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { isOpensslAvailable } from '../support/certificates.ts'
import {
  playDialog,
  startTlsUnavailable,
  tlsGarbage,
  tlsSilence,
} from '../support/hostile-behaviours.ts'
import { until } from '../e2e/support/mail.ts'
import {
  createAuthority,
  envelopeLines,
  startScriptedServer,
  startTlsSite,
  type Policy,
  type Script,
  type ScriptedServer,
} from './support/tls-site.ts'

const skip = (await isOpensslAvailable()) ? false : 'the openssl command (3.0 or later) is missing'
const somePin = 'sha256//47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU='
const offered = '250-hostile.example\r\n250 STARTTLS'

const attacks: Readonly<Record<string, readonly [Script, RegExp]>> = {
  'not offered': [playDialog({}), /STARTTLS is not offered/],
  'offered as XXXXXXXA': [
    playDialog({ ehlo: '250-hostile.example\r\n250 XXXXXXXA' }),
    /STARTTLS is not offered/,
  ],
  'EHLO refused, only HELO': [
    async (connection) => {
      await connection.send('220 hostile.example\r\n')
      await connection.expect(/^EHLO/)
      await connection.send('502 5.5.1 no\r\n')
      await connection.expect(/^HELO/)
      await connection.send('250 hostile.example\r\n')
      await connection.expect(/^MAIL/)
    },
    /STARTTLS is not offered/,
  ],
  'refused for now': [startTlsUnavailable(), /TLS is required, but refused: 454/],
  'refused for ever': [
    playDialog({ ehlo: offered, starttls: '502 5.5.1 no' }),
    /TLS is required, but refused: 502/,
  ],
  'nonsense for a handshake': [tlsGarbage(), /starttls/],
  'silence for a handshake': [tlsSilence(), /starttls/],
  'closed within the handshake': [
    playDialog({
      ehlo: offered,
      starttls: async (connection) => {
        await connection.send('220 2.0.0 Go ahead\r\n')
        connection.end()
      },
    }),
    /starttls/,
  ],
  'reset within the handshake': [
    playDialog({
      ehlo: offered,
      starttls: async (connection) => {
        await connection.send('220 2.0.0 Go ahead\r\n')
        connection.reset()
      },
    }),
    /starttls/,
  ],
}

test('STARTTLS is stripped or broken', { skip }, async (t) => {
  await using stack = new AsyncDisposableStack()
  const authority = stack.use(await createAuthority())
  const servers = new Map<string, ScriptedServer>()
  const domains: Record<string, Policy & { readonly port: number }> = {}
  for (const [index, [name, [script]]] of Object.entries(attacks).entries()) {
    const server = stack.use(await startScriptedServer(script))
    servers.set(name, server)
    domains[`verify-${index}`] = { port: server.port, tls: 'verify' }
    domains[`pin-${index}`] = { port: server.port, tls: 'pin', tlsPins: [somePin] }
  }
  const site = stack.use(await startTlsSite(authority, domains))
  for (const [index, [name, [, words]]] of Object.entries(attacks).entries()) {
    await t.test(name, async () => {
      const replies = await Promise.all(
        ['verify', 'pin'].map((policy) => site.send(`${policy}-${index}`)),
      )
      for (const reply of replies) {
        assert.match(reply, /^451 4\.4\.1 .*mail\.inst\.example does not answer/)
      }
      const server = servers.get(name)
      assert.ok(server !== undefined && server.connections.length > 0)
      assert.deepEqual(envelopeLines(server), [])
      const failures = (): readonly Readonly<Record<string, unknown>>[] =>
        site.relay
          .events('next-hop-failed')
          .filter((event) => event['serverPort'] === server.port && event['cause'] !== 'dns')
      const policies = (): readonly string[] =>
        [...new Set(failures().map((event) => String(event['tlsPolicy'])))].sort()
      await until(() => policies().join(' ') === 'pin verify')
      const failed = failures()
      assert.match(`${String(failed[0]?.['detail'])} ${String(failed[0]?.['stage'])}`, words)
    })
  }
})
