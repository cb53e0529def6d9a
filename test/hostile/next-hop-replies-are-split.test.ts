// Replies cut at every byte, and replies that arrive together although they belong to different questions:
// neither changes what is understood.

import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { inParallel } from '../e2e/support/mail.ts'
import type { Action } from '../support/hostile-behaviours.ts'
import type { ScriptedConnection } from '../support/hostile-server.ts'
import { attack, cut, endsAtOnce, honest, openSiege, send, type Siege } from './support/siege.ts'

/** Every byte a packet of its own, in a moment. */
function dripped(text: string): Action {
  return (connection: ScriptedConnection) => connection.sendSlowly(`${text}\r\n`, 1)
}

/** In two packets, cut in front of the byte at that index. */
function cutAt(text: string, index: number): Action {
  return async (connection: ScriptedConnection) => {
    await connection.send(text.slice(0, index))
    await sleep(2)
    await connection.send(`${text.slice(index)}\r\n`)
  }
}

const refusal = '550-5.1.1 No such\r\n550 5.1.1 user here'
let siege: Siege

before(async () => {
  siege = await openSiege(4)
})
after(() => siege[Symbol.asyncDispose]())

test('a whole dialog of single bytes delivers the mail', async () => {
  const script = honest({
    banner: dripped('220-hostile.example\r\n220 ESMTP'),
    ehlo: dripped('250-hostile.example\r\n250-PIPELINING\r\n250 SIZE 1000000'),
    mail: dripped('250 2.1.0 Ok'),
    rcpt: dripped('250-2.1.5 Yes,\r\n250 2.1.5 indeed'),
    data: async (connection) => {
      await connection.sendSlowly('354 Go ahead\r\n', 1)
      await connection.readContent()
      await connection.sendSlowly('250-2.0.0 It is\r\n250 2.0.0 here\r\n', 1)
    },
    rset: dripped('250 2.0.0 Ok'),
  })
  const { handed, asked } = await attack(siege, 0, script)
  assert.match(handed, /^250 .* says: 250 2\.0\.0 It is here/)
  assert.match(asked, /^250 .* says: 250 2\.0\.0 It is here/)
})

test('a refusal cut at any byte is that refusal', async () => {
  const indices = Array.from({ length: refusal.length + 1 }, (_none, index) => index)
  await inParallel(indices, 1, async (index) => {
    const server = siege.servers[1]
    assert.ok(server !== undefined)
    if (index === 0) server.setScript(honest({ rcpt: (connection) => splitRefusal(connection) }))
    assert.equal(
      (await send(siege.relay, { to: `gone${index}@inst1.example` })).replace(/ <.*/, ''),
      '550 5.1.1',
    )
  })
})

/** Cut where the recipient's number says. */
async function splitRefusal(connection: ScriptedConnection): Promise<void> {
  const index = Number(/<gone(\d+)@/.exec(connection.lines.at(-1) ?? '')?.[1] ?? 0)
  const action = cutAt(refusal, index)
  if (typeof action !== 'string') await action(connection)
}

test('the answers to a group in one packet, and in one packet each', async () => {
  for (const pauseMs of [0, 5]) {
    const server = siege.servers[2]
    assert.ok(server !== undefined)
    server.setScript(grouped(pauseMs))
    cut(server)
    assert.match(await send(siege.relay, { to: `known${pauseMs}@inst2.example` }), /^250 .* says: /)
  }
})

/** Waits for the whole group, then answers all of it at once or piece by piece. */
function grouped(pauseMs: number): ReturnType<typeof honest> {
  return async (connection) => {
    await connection.send('220 hostile.example\r\n')
    await connection.expect(/^EHLO/)
    await connection.send('250-hostile.example\r\n250 PIPELINING\r\n')
    for (;;) {
      await connection.expect(/^MAIL/)
      await connection.expect(/^RCPT/)
      const isMail = (await connection.expect(/^(?:DATA|RSET)/)) === 'DATA'
      const isKnown = /<known/.test(connection.lines.at(-2) ?? '')
      const last = isMail ? (isKnown ? '354 Go' : '503 No') : '250 Ok'
      const replies = ['250 Ok', isKnown ? '250 Ok' : '550 5.1.1 No', last]
      if (pauseMs === 0) await connection.send(replies.map((each) => `${each}\r\n`).join(''))
      else for (const reply of replies) await connection.sendSlowly(`${reply}\r\n`, pauseMs, 100)
      if (!isMail || !isKnown) continue
      await connection.readContent()
      await connection.send('250 2.0.0 Taken\r\n')
    }
  }
}

test('half of the next reply in the packet of this one is out of step', async () => {
  // The second half of the 250 that would follow comes when its question has been asked.
  const script = honest({
    ehlo: (connection) => connection.send('250-hostile.example\r\n250 SIZE\r\n25'),
    mail: (connection) => connection.send('0 2.1.0 Ok\r\n'),
  })
  const { handed, asked } = await attack(siege, 3, script)
  assert.match(handed, /^250 .*taken over/)
  assert.match(asked, /^451 4\.4\.1 /)
})

test('nothing is left behind', () => endsAtOnce(siege))
