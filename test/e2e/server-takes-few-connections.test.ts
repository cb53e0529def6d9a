// A server that takes few connections, and few mails on each, gets no more from the relay: mails and questions
// together, also while the limit is changed.

import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { startInstituteServer, type InstituteServer } from '../../demo/institute-server.ts'
import { startRelay, type TestRelay } from '../support/relay.ts'
import { endpointOf, inParallel, sendOneMail, until } from './support/mail.ts'

let relay: TestRelay
let two: InstituteServer
let one: InstituteServer
let open: InstituteServer

before(async () => {
  // Both refuse what is more with 421, which would be seen as a connection of its own.
  two = await startInstituteServer({ limits: { connections: 2, mailsPerConnection: 5 } })
  one = await startInstituteServer({ limits: { connections: 1 } })
  open = await startInstituteServer()
  relay = await startRelay({
    domains: [
      { domain: 'two.example', to: endpointOf(two), maxConnections: 2, mailsPerConnection: 5 },
      // The same server: what is said of it for one domain holds for the other.
      { domain: 'beside.example', to: endpointOf(two) },
      { domain: 'one.example', to: endpointOf(one), maxConnections: 1 },
      { domain: 'open.example', to: endpointOf(open) },
    ],
  })
})
after(async () => {
  await relay[Symbol.asyncDispose]()
  for (const institute of [two, one, open]) await institute.close()
})

/** Each to a recipient of its own, so that each asks a question too. */
async function sendMany(domain: string, count: number, atOnce: number, name = 'x'): Promise<void> {
  const items = Array.from({ length: count }, (_, index) => `${name}${index}@${domain}`)
  await inParallel(items, atOnce, async (to) => {
    const sent = await sendOneMail(relay, { to })
    assert.match(sent.final ?? sent.recipients[0] ?? '', /^250 /)
  })
}

function transactionsOf({ commands }: InstituteServer['connections'][number]): number {
  return commands.filter(({ text }) => text.startsWith('MAIL ')).length
}

test('two connections, five mails or questions on each, and all mail arrives', async () => {
  two.setScript({ delayMs: { final: 20 } })
  await Promise.all([sendMany('two.example', 20, 8), sendMany('beside.example', 20, 8)])
  assert.equal(two.mails.length, 40)
  assert.equal(two.counts.peak, 2)
  const counts = two.connections.map(transactionsOf)
  assert.ok(
    counts.every((count) => count >= 1 && count <= 5),
    String(counts),
  )
  // No connection was given up before its time: 80 questions and mails, and two about made-up recipients.
  assert.ok(counts.length <= 17, String(counts))
  assert.deepEqual(relay.events('next-hop-failed'), [])
})

test('one connection carries questions and mails in turn', async () => {
  await sendMany('one.example', 20, 6)
  assert.equal(one.mails.length, 20)
  assert.equal(one.counts.peak, 1)
  assert.equal(one.counts.total, 1)
  assert.deepEqual(relay.events('next-hop-failed'), [])
})

test('a limit that is set while mails are under way: no new connection above it, and no mail lost', async () => {
  open.setScript({ delayMs: { final: 100 } })
  const sending = sendMany('open.example', 60, 20)
  await until(() => open.counts.current > 6)
  const set = await relay.pforte('domain', 'set', 'open.example', '--max-connections', '2')
  assert.equal(set.exitCode, 0, set.stderr)
  await sending
  await until(() => open.counts.current <= 2)
  open.clear()
  await sendMany('open.example', 20, 10, 'y')
  assert.equal(open.mails.length, 20)
  assert.equal(open.counts.peak, 2)

  await relay.pforte('domain', 'set', 'open.example', '--max-connections', 'none')
  await until(() => relay.events('registry-changed').length >= 2)
  open.clear()
  await sendMany('open.example', 40, 20, 'z')
  assert.equal(open.mails.length, 40)
  assert.ok(open.counts.peak > 2, `${open.counts.peak} connections`)
})
