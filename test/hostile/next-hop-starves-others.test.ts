// One sick institute must not eat the relay: two hundred sessions stuck on a server that takes the content
// and says nothing more, while the mail of another institute passes as on any other day.

import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import type { RawClient } from '../support/raw-client.ts'
import { openSession, until } from '../e2e/support/mail.ts'
import { spoolOf } from '../e2e/support/outage.ts'
import { endsAtOnce, honest, openSiege, send, type Siege } from './support/siege.ts'

const stuckCount = 200
const handover = { maxConnections: 20, maxWaiting: 100, finalTimeout: '20s', commandTimeout: '20s' }

let siege: Siege

before(async () => {
  siege = await openSiege(1, { handover })
})
after(() => siege[Symbol.asyncDispose]())

test('200 sessions are stuck, and another institute has its mail in milliseconds', async () => {
  const { relay, servers, healthy } = siege
  const server = servers[0]
  assert.ok(server !== undefined)
  const calm = await median(9)
  assert.match(await send(relay, { to: 'known@inst0.example' }), /^250 /)
  server.setScript(honest({ final: (connection) => connection.untilPeerLeaves() }))
  for (const connection of server.connections) connection.destroy()

  const clients: RawClient[] = []
  const replies: string[] = []
  for (let count = 0; count < stuckCount; count += 1) {
    const client = await openSession(relay)
    clients.push(client)
    await client.send('MAIL FROM:<s@sender.example>\r\nRCPT TO:<known@inst0.example>\r\nDATA\r\n')
    void client.readReplies(3).then(async () => {
      await client.send('Subject: stuck\r\n\r\nx\r\n.\r\n')
      await client.expect(undefined, 60_000).then((reply) => replies.push(reply))
    })
  }
  // 20 have a connection, 100 wait for one; for those beyond the server is as good as down.
  await until(() => replies.length >= stuckCount - 120, 10_000)
  for (const reply of replies) assert.match(reply, /^250 .*taken over/)
  assert.equal(spoolOf(relay).length, replies.length)

  const delivered = healthy.mails.length
  const stuck = await median(9)
  assert.equal(healthy.mails.length, delivered + 9)
  assert.ok(stuck < Math.max(250, 5 * calm), `${stuck} ms beside the stuck, ${calm} ms before`)
  assert.ok(replies.length < stuckCount, 'nobody was stuck any more')

  // Well again: whoever waited is served, nothing is refused, and everything arrives.
  server.setScript(honest())
  for (const connection of server.connections) connection.destroy()
  await until(() => replies.length === stuckCount, 15_000)
  for (const reply of replies) assert.match(reply, /^(?:250 |451 4\.4\.1 )/)
  const refused = replies.filter((reply) => reply.startsWith('451')).length
  assert.ok(refused <= 20, `${refused} mails without an answer`) // those that may have arrived
  await until(() => spoolOf(relay).length === 0, 15_000)
  for (const client of clients) await client[Symbol.asyncDispose]()
})

/** Milliseconds of a mail to the healthy institute, the median of so many one after the other. */
async function median(count: number): Promise<number> {
  const times: number[] = []
  for (let index = 0; index < count; index += 1) {
    const startMs = performance.now()
    assert.match(await send(siege.relay, { to: `x${index}@healthy.example` }), /^250 .* says: /)
    times.push(performance.now() - startMs)
  }
  return times.toSorted((a, b) => a - b)[Math.floor(count / 2)] ?? Infinity
}

test('nothing is left behind', () => endsAtOnce(siege))
