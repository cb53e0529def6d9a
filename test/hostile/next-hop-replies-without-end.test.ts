// Replies that never end: a line every moment, so that no single wait is ever long; a flood; a line without
// an end. The wait for a reply is one wait, and what has come of it so far is bounded.

import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { after, before, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { inParallel } from '../e2e/support/mail.ts'
import type { Action, HostileStage } from '../support/hostile-behaviours.ts'
import type { ScriptedConnection } from '../support/hostile-server.ts'
import { attack, endsAtOnce, honest, openSiege, type Siege } from './support/siege.ts'

/** One piece after the other for as long as somebody reads them. */
function endlessly(piece: string | Buffer, pauseMs: number): Action {
  return async (connection: ScriptedConnection) => {
    for (;;) {
      await connection.send(piece)
      await sleep(pauseMs)
    }
  }
}

const flood = Buffer.from('250-and another line of a reply that will not end\r\n'.repeat(20_000))
const keywords = Array.from({ length: 10_000 }, (_none, index) => `250-X-KEYWORD-${index}\r\n`)

const cases: readonly (readonly [name: string, stage: HostileStage, action: Action])[] = [
  ['a line every 200 ms at the banner', 'banner', endlessly('220-please wait\r\n', 200)],
  ['a line every 200 ms at EHLO', 'ehlo', endlessly('250-please wait\r\n', 200)],
  ['a line every 200 ms at RCPT', 'rcpt', endlessly('250-please wait\r\n', 200)],
  ['a line every 200 ms behind the content', 'final', endlessly('250-please wait\r\n', 200)],
  ['a byte every 100 ms and never a line', 'final', endlessly('2', 100)],
  ['a flood of lines at EHLO', 'ehlo', endlessly(flood, 1)],
  ['a flood of lines behind the content', 'final', endlessly(flood, 1)],
  ['a flood without a line end', 'rcpt', endlessly(Buffer.alloc(1_000_000, 0x32), 1)],
  ['a flood of line ends', 'mail', endlessly('\r\n'.repeat(10_000), 1)],
  ['10,000 keywords', 'ehlo', `${keywords.join('')}250 PIPELINING`],
]

let siege: Siege

before(async () => {
  siege = await openSiege(cases.length)
})
after(() => siege[Symbol.asyncDispose]())

test('replies without end', { concurrency: true }, async (t) => {
  const before = peakKib(siege.relay.pid)
  await inParallel(cases, 5, ([name, stage, action], index) =>
    t.test(name, async () => {
      const { handed, asked } = await attack(siege, index, honest({ [stage]: action }))
      // Behind the content nobody knows what became of the mail; before it, the spool takes it.
      assert.match(handed, stage === 'final' ? /^451 4\.4\.1 / : /^250 .*taken over/)
      assert.match(asked, /^451 4\.4\.1 /)
    }),
  )
  const grownMib = (peakKib(siege.relay.pid) - before) / 1024
  assert.ok(grownMib < 100, `the relay has grown by ${Math.round(grownMib)} MiB`)
})

test('nothing is left behind', () => endsAtOnce(siege))

function peakKib(pid: number): number {
  return Number(/^VmHWM:\s*(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1])
}
