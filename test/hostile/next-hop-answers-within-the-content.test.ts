// A reply while the content is still on its way. A refusal is the server's word about this mail; a 250 is
// about nothing. Either way the content is never ended, so that no half of a mail is delivered.

import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { inParallel } from '../e2e/support/mail.ts'
import { spoolOf } from '../e2e/support/outage.ts'
import type { ScriptedConnection } from '../support/hostile-server.ts'
import {
  attack,
  contentsOf,
  cut,
  endsAtOnce,
  honest,
  openSiege,
  send,
  type Siege,
} from './support/siege.ts'

/** More than the buffers of both ends hold. */
const large = `Subject: large\r\n\r\n${`${'x'.repeat(76)}\r\n`.repeat(80_000)}`

/** Says something after the first piece of the content, and reads no further until `readOn`. */
function within(words: string, then: 'reads-on' | 'closes' | 'resets'): ReturnType<typeof honest> {
  return honest({
    data: async (connection: ScriptedConnection) => {
      await connection.send('354 Go ahead\r\n')
      await connection.expect(/^Pforte-TLS:/)
      await connection.send(words)
      if (then === 'closes') connection.end()
      if (then === 'resets') connection.reset()
      if (then === 'reads-on') await connection.readContent(10_000)
      await connection.untilPeerLeaves(10_000)
    },
  })
}

const refusals: readonly (readonly [name: string, words: string, then: 'reads-on' | 'closes'])[] = [
  ['552 and reads on', '552 5.3.4 Too large\r\n', 'reads-on'],
  ['552 and closes', '552 5.3.4 Too large\r\n', 'closes'],
  ['554 in two lines, then 421', '554-5.7.1 Not\r\n554 5.7.1 this\r\n421 Bye\r\n', 'closes'],
]
const noAnswers: readonly (readonly [name: string, words: string, then: 'reads-on' | 'resets'])[] =
  [
    ['250', '250 2.0.0 Taken\r\n', 'reads-on'],
    ['354 again', '354 Go on\r\n', 'reads-on'],
    ['250 and 552', '250 2.0.0 Taken\r\n552 5.3.4 Too large\r\n', 'reads-on'],
    ['552 and 250', '552 5.3.4 Too large\r\n250 2.0.0 Taken\r\n', 'reads-on'],
    ['452', '452 4.3.1 Not now\r\n', 'reads-on'],
    ['nonsense', 'what?\r\n', 'reads-on'],
    ['a reset', '', 'resets'],
  ]

let siege: Siege

before(async () => {
  siege = await openSiege(1 + noAnswers.length)
})
after(() => siege[Symbol.asyncDispose]())

for (const [name, words, then] of refusals) {
  test(`${name}: the client hears it, and nothing is delivered or kept`, async () => {
    const server = siege.servers[0]
    assert.ok(server !== undefined)
    server.setScript(honest())
    assert.match(await send(siege.relay, { to: 'known@inst0.example' }), /^250 /)
    server.setScript(within(words, then))
    cut(server)
    const count = contentsOf(server).length
    const reply = await send(siege.relay, { to: 'known@inst0.example', content: large })
    assert.equal(reply.slice(0, 3), words.slice(0, 3), reply)
    assert.match(reply, /127\.0\.0\.1 says: 55\d/)
    assert.equal(contentsOf(server).length, count)
    assert.deepEqual(spoolOf(siege.relay), [])
  })
}

test('no answer, and nothing is lost', { concurrency: true }, async (t) => {
  await inParallel(noAnswers, 2, ([name, words, then], index) =>
    t.test(name, async () => {
      const { handed, asked } = await attack(siege, index + 1, within(words, then), large)
      // The recipients are known good, so the spool takes it; what is behind the 5yz makes it no refusal.
      for (const reply of [handed, asked]) assert.match(reply, /^250 .*taken over/)
    }),
  )
})

test('nothing is left behind', () => endsAtOnce(siege))
