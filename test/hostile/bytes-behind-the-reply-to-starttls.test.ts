// CVE-2011-0411 turned around: somebody in the middle writes replies behind the server's 220 to STARTTLS, so
// that they are taken for answers from within TLS. Nothing is said on such a connection, in whatever policy.

import assert from 'node:assert/strict'
import { setTimeout as sleep } from 'node:timers/promises'
import { test } from 'node:test'
import { isOpensslAvailable } from '../support/certificates.ts'
import { playDialog, startTlsInjection } from '../support/hostile-behaviours.ts'
import {
  createAuthority,
  envelopeLines,
  startScriptedServer,
  startTlsSite,
  type Policy,
  type ScriptedServer,
} from './support/tls-site.ts'

const skip = (await isOpensslAvailable()) ? false : 'the openssl command (3.0 or later) is missing'

test('bytes behind 220', { skip }, async (t) => {
  await using stack = new AsyncDisposableStack()
  const authority = stack.use(await createAuthority())
  const certificate = await authority.issue({ names: ['mail.inst.example'] })
  const injected = '250 hostile.example\r\n250 2.1.0 Ok\r\n250 2.1.5 Ok\r\n'
  const attacks = {
    'in the same piece': startTlsInjection(certificate),
    'half a line of it': playDialog({
      ehlo: '250-hostile.example\r\n250 STARTTLS',
      starttls: '220 2.0.0 Go ahead\r\n250 hos',
    }),
    'a moment later, before the handshake': playDialog({
      ehlo: '250-hostile.example\r\n250 STARTTLS',
      starttls: async (connection) => {
        await connection.send('220 2.0.0 Go ahead\r\n')
        await sleep(20)
        await connection.send(injected)
        await connection.untilPeerLeaves(5000)
      },
    }),
  }
  const servers: ScriptedServer[] = []
  for (const script of Object.values(attacks))
    servers.push(stack.use(await startScriptedServer(script)))
  const domains: Record<string, Policy & { readonly port: number }> = {}
  for (const [index, { port }] of servers.entries()) {
    domains[`verify-${index}`] = { port, tls: 'verify' }
    domains[`may-${index}`] = { port, tls: 'opportunistic' }
  }
  const site = stack.use(await startTlsSite(authority, domains))
  for (const [index, name] of Object.keys(attacks).entries()) {
    await t.test(name, async () => {
      const server = servers[index]
      assert.ok(server !== undefined)
      assert.match(await site.send(`verify-${index}`), /^451 4\.4\.1 /)
      assert.deepEqual(envelopeLines(server), [])
      if (name.startsWith('a moment')) return // that is a broken handshake: in clear, where it may be
      assert.match(await site.send(`may-${index}`), /^451 4\.4\.1 /)
      assert.deepEqual(envelopeLines(server), [])
    })
  }
})
