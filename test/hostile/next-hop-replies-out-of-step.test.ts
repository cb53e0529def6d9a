// Replies that belong to something else: doubled a moment later, given in advance, left out, swapped. A 250
// is believed only where its question is; what is refused for an earlier question is no refusal of this one.
// Doubled and early replies in one packet: test/e2e/institute-speaks-out-of-turn.test.ts.

import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { inParallel } from '../e2e/support/mail.ts'
import type { Script, ScriptedConnection } from '../support/hostile-server.ts'
import {
  attack,
  contentsOf,
  cut,
  endsAtOnce,
  honest,
  honestRcpt,
  openSiege,
  send,
  type Siege,
} from './support/siege.ts'

const ehlo = '250-hostile.example\r\n250 PIPELINING\r\n'
const plainEhlo = '250 hostile.example\r\n'

/** Sends `text`, and after a moment the same again. */
function twice(text: string, pauseMs: number): (connection: ScriptedConnection) => Promise<void> {
  return async (connection) => {
    await connection.send(text)
    await sleep(pauseMs)
    await connection.send(text)
  }
}

/** Everything a delivery needs, before any of it was asked for. */
const allAtOnce: Script = async (connection) => {
  const replies = ['220 x', '250 x', '250 Ok', '250 Ok', '354 Go', '250 2.0.0 Taken', '250 Ok']
  await connection.send(replies.map((reply) => `${reply}\r\n`).join(''))
  await connection.untilPeerLeaves()
}

/** Answers MAIL twice and RCPT never, so that the count is right. */
const leavesOneOut: Script = async (connection) => {
  await connection.send(`220 x\r\n`)
  await connection.expect(/^EHLO/)
  await connection.send(ehlo)
  await connection.expect(/^MAIL/)
  await connection.send('250 2.1.0 Ok\r\n250 2.1.0 Ok\r\n')
  await connection.untilPeerLeaves()
}

const beforeTheMail: readonly (readonly [string, Script])[] = [
  ['the banner again after 5 ms', honest({ banner: twice('220 hostile.example\r\n', 5) })],
  ['the reply to EHLO again after 1 ms', honest({ ehlo: twice(ehlo, 1) })],
  ['the same without PIPELINING', honest({ ehlo: twice(plainEhlo, 1) })],
  ['the reply to MAIL again after 5 ms', honest({ mail: twice('250 2.1.0 Ok\r\n', 5) })],
  [
    'the same without PIPELINING, and MAIL refused',
    honest({ ehlo: twice(plainEhlo, 1), mail: '550 5.7.1 No sender of ours' }),
  ],
  ['MAIL answered twice and RCPT never', leavesOneOut],
  ['everything at once', allAtOnce],
  ['354 to RCPT', honest({ rcpt: '354 Go ahead' })],
  ['354 to MAIL', honest({ mail: '354 Go ahead' })],
]

const behindTheContent: readonly (readonly [string, Script])[] = [
  ['354 to the content', honest({ final: '354 Go on' })],
  ['354 twice', honest({ data: twice354 })],
  ['a reply to every line of the content', honest({ data: answersEveryLine })],
]

async function twice354(connection: ScriptedConnection): Promise<void> {
  await connection.send('354 Go ahead\r\n')
  await sleep(5)
  await connection.send('354 Go ahead\r\n')
  await connection.readContent()
  await connection.send('250 2.0.0 Taken\r\n')
}

async function answersEveryLine(connection: ScriptedConnection): Promise<void> {
  await connection.send('354 Go ahead\r\n')
  await connection.readContent()
  await connection.send('250 2.0.0 Line\r\n'.repeat(10))
}

const cases = [...beforeTheMail, ...behindTheContent]
let siege: Siege

before(async () => {
  siege = await openSiege(cases.length + 3)
})
after(() => siege[Symbol.asyncDispose]())

test('out of step', { concurrency: true }, async (t) => {
  await inParallel(cases, 8, ([name, script], index) =>
    t.test(name, async () => {
      const { handed, asked } = await attack(siege, index, script)
      // Nobody is told 5yz, and a 250 was of the spool, from where the mail has arrived, or the server took it.
      for (const reply of [handed, asked]) assert.match(reply, /^(?:451 4|250 )/)
      assert.doesNotMatch(handed, /says: /)
      // Two 354 may come in one packet: then nothing was sent, and the spool may have it.
      const isSent = index >= beforeTheMail.length && name !== '354 twice'
      if (isSent) assert.match(handed, /^451 4\.4\.1 /)
    }),
  )
})

test('a recipient taken and then refused at RSET is neither taken nor refused', async () => {
  const index = cases.length
  const script = honest({ rcpt: '250 2.1.5 Ok', rset: '550 5.1.1 User unknown' })
  const { handed, asked } = await attack(siege, index, script)
  assert.match(handed, /^250 .* says: /) // a hand-over has no RSET
  assert.match(asked, /^451 4\.4\.1 /)
})

test('a second final reply does not answer the next mail', async () => {
  const index = cases.length + 1
  const server = siege.servers[index]
  assert.ok(server !== undefined)
  const to = `known@inst${index}.example`
  assert.match(await send(siege.relay, { to }), /^250 .* says: /)
  cut(server)
  // 554 for the first mail comes when the connection is idle, or when the next mail is on its way.
  for (const pauseMs of [0, 1, 20]) {
    server.setScript(
      honest({
        final: async (connection) => {
          await connection.send('250 2.0.0 Taken\r\n')
          await sleep(pauseMs)
          await connection.send('554 5.6.0 But not liked\r\n').catch(() => undefined)
        },
      }),
    )
    cut(server)
    const replies: string[] = []
    for (let count = 0; count < 3; count += 1) replies.push(await send(siege.relay, { to }))
    for (const reply of replies) assert.match(reply, /^(?:250 |451 )/)
  }
})

test('of a mail refused for one recipient nothing is delivered to the other', async () => {
  const index = cases.length + 2
  const server = siege.servers[index]
  assert.ok(server !== undefined)
  const domain = `inst${index}.example`
  for (const name of ['known1', 'known2']) {
    assert.match(await send(siege.relay, { to: `${name}@${domain}` }), /^250 /)
  }
  const count = contentsOf(server).length
  // One of the two has vanished, and the server says 354 all the same.
  server.setScript(
    honest({
      rcpt: (connection) =>
        /known2/.test(connection.lines.at(-1) ?? '')
          ? connection.send('550 5.1.1 User unknown\r\n')
          : honestRcpt(connection),
      data: async (connection) => {
        await connection.send('354 Go ahead\r\n')
        await connection.readContent()
        await connection.send('250 2.0.0 Taken\r\n')
      },
    }),
  )
  cut(server)
  const reply = await send(siege.relay, { to: [`known1@${domain}`, `known2@${domain}`] })
  assert.match(reply, /^451 /)
  assert.equal(contentsOf(server).length, count)
})

test('nothing is left behind', () => endsAtOnce(siege))
