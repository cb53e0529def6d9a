// Connections that are reset at each step of a dialog, many at once, also while the relay waits for an institute that
// says nothing: no place and no count is left behind, and whose turn is next is served.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'
import { impatient, until } from '../e2e/support/mail.ts'
import { createAuthority, isOpensslAvailable } from '../support/certificates.ts'
import { connectRaw, type RawClient } from '../support/raw-client.ts'
import type { Action } from '../support/hostile-behaviours.ts'
import { startScriptedServer } from '../support/hostile-server.ts'
import { startRelay } from '../support/relay.ts'
import { honest } from './support/siege.ts'

const skip = (await isOpensslAvailable()) ? false : 'the openssl command (3.0 or later) is missing'
const clientCount = 12
const patienceMs = 20_000

const envelope = 'MAIL FROM:<s@sender.example>\r\nRCPT TO:<known@inst.example>\r\n'
const content = 'Subject: x\r\n\r\ntext\r\n'

const silence: Action = (connection) => connection.untilPeerLeaves()

interface Step {
  /** What the client has sent when it dies, behind EHLO. */
  readonly text: string
  /** Replies it waits for before; the rest is on its way. */
  readonly awaited: number
  /** Where the institute says nothing any more. */
  readonly silentAt?: 'rcpt' | 'final'
}

const steps: Readonly<Record<string, Step>> = {
  'within a command': { text: 'MAIL FROM:<', awaited: 0 },
  'behind MAIL': { text: 'MAIL FROM:<s@sender.example>\r\n', awaited: 1 },
  'behind RCPT': { text: envelope, awaited: 2 },
  'with twenty RCPTs in one write': {
    text: `MAIL FROM:<>\r\n${Array.from({ length: 20 }, (_none, index) => `RCPT TO:<new${index}@inst.example>\r\n`).join('')}`,
    awaited: 1,
  },
  'while a recipient is asked for': {
    text: 'MAIL FROM:<>\r\nRCPT TO:<newer@inst.example>\r\n',
    awaited: 1,
    silentAt: 'rcpt',
  },
  'within the content': { text: `${envelope}DATA\r\n${content}`, awaited: 3 },
  'within a chunk': { text: `${envelope}BDAT 1000\r\n${content}`, awaited: 2 },
  'between chunks': { text: `${envelope}BDAT ${content.length}\r\n${content}`, awaited: 3 },
  'while the mail is handed over': {
    text: `${envelope}DATA\r\n${content}.\r\n`,
    awaited: 3,
    silentAt: 'final',
  },
  'behind STARTTLS': { text: 'STARTTLS\r\n', awaited: 1 },
  'while a guess is answered late': {
    text: 'MAIL FROM:<>\r\nRCPT TO:<a1@inst.example>\r\nRCPT TO:<a2@inst.example>\r\n',
    awaited: 1,
  },
}

test('sockets die at each step', { skip }, async (t) => {
  await using authority = await createAuthority()
  const files = await authority.issue({ names: ['mailrelay1.example.org'] })
  await using stack = new AsyncDisposableStack()
  const server = await startScriptedServer(honest())
  stack.defer(() => server.close())
  const relay = stack.use(
    await startRelay({
      domains: [{ domain: 'inst.example', to: `127.0.0.1:${server.port}`, tls: 'none' }],
      config: {
        ...impatient,
        tls: { certificates: [{ certificate: files.certificatePath, key: files.keyPath }] },
        // One place more than there are attackers: one that stays is seen.
        greeting: {
          exempt: [],
          connections: { mode: 'enforce', perAddress: 13, perNetwork: 0 },
          rate: { mode: 'off' },
        },
        limits: { maxSessions: 100, unknownRecipientDelayAfter: 0, unknownRecipientDelay: '1s' },
      },
    }),
  )

  const open = async (): Promise<RawClient> => {
    const client = await connectRaw({ port: relay.port, deadlineMs: patienceMs })
    await client.expect(220)
    await client.command('EHLO client.example', 250)
    return client
  }

  const sessionCount = async (): Promise<number> => {
    const response = await fetch(`http://127.0.0.1:${relay.metricsPort}/metrics`)
    return Number(/^pforte_sessions_current (\d+)$/m.exec(await response.text())?.[1])
  }

  /** A mail of another client arrives. */
  const assertNextIsServed = async (): Promise<void> => {
    await using client = await open()
    await client.send(`${envelope}DATA\r\n`)
    await client.readReplies(3)
    await client.send(`${content}.\r\n`)
    await client.expect(250)
    await client.command('QUIT', 221)
  }

  for (const [name, { text, awaited, silentAt }] of Object.entries(steps)) {
    await t.test(name, async () => {
      server.setScript(honest())
      await assertNextIsServed() // the recipient is known from then on
      await until(async () => (await sessionCount()) === 0, patienceMs)
      if (silentAt !== undefined) {
        server.setScript(honest(silentAt === 'rcpt' ? { rcpt: silence } : { final: silence }))
        for (const connection of server.connections) connection.destroy()
      }
      const clients = await Promise.all(Array.from({ length: clientCount }, open))
      await Promise.all(
        clients.map(async (client) => {
          void client.send(text).catch(() => undefined)
          await client.readReplies(awaited)
        }),
      )
      await pause(50)
      for (const client of clients) client.reset()
      server.setScript(honest())
      await until(async () => (await sessionCount()) === 0, patienceMs)
      // As many as there may be, all of the same address.
      const others = await Promise.all(Array.from({ length: clientCount }, open))
      for (const client of others) {
        await client.command('QUIT', 221)
        await client[Symbol.asyncDispose]()
      }
      await until(async () => (await sessionCount()) === 0, patienceMs)
      assert.deepEqual(relay.events('client-limited'), [])
      assert.deepEqual(relay.events('internal-error'), [])
    })
  }
  await t.test('and the relay stops at once when it is told to', async () => {
    relay.signal('SIGTERM')
    assert.equal(await relay.ended, 0)
  })
})
