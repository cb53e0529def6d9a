// `pforte check` talks to servers of others. Whatever they do, the run ends in time with a report, memory stays where
// it is, and nothing of theirs reaches a terminal uncleaned.

import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { catalogue } from '#compliance/compliance.ts'
import { reportText } from '#compliance/report/report-text.ts'
import { overallOf } from '#compliance/report/words.ts'
import { examine, examinedServer } from '../support/examined-server.ts'
import { startScriptedServer, type Script } from '../support/hostile-server.ts'
import {
  contradictoryCodes,
  dripsAt,
  earlyReplies,
  endlessLine,
  endlessReply,
  replyBeforeQuestion,
  tlsGarbage,
  tlsSilence,
} from '../support/hostile-behaviours.ts'

const runTimeoutMs = 2500

/** Talks from the moment it is connected, whoever listens. */
const talksWithoutEnd: Script = async (connection) => {
  const lines = Buffer.from('220-welcome\r\n'.repeat(5000))
  for (;;) await connection.send(lines)
}

const oddWords = '220 \u001b]0;owned\u0007\u001b[2J\u202e\u0000 https://evil.example/'

const attacks: readonly (readonly [name: string, script: Script])[] = [
  ['talks without end', talksWithoutEnd],
  ['an endless reply to EHLO', endlessReply('ehlo')],
  ['an endless reply to RCPT', endlessReply('rcpt')],
  ['an endless line as banner', endlessLine('banner')],
  ['drips its EHLO reply', dripsAt('ehlo', 300)],
  ['says everything twice', earlyReplies()],
  ['answers RCPT before it is asked', replyBeforeQuestion('rcpt')],
  ['one reply, two codes', contradictoryCodes('rcpt')],
  ['no handshake', tlsGarbage()],
  ['silence instead of a handshake', tlsSilence()],
  ['never says anything', (connection) => connection.untilPeerLeaves()],
  [
    'controls in its words',
    examinedServer({ banner: () => oddWords, rcpt: () => oddWords.replace('220', '550') }),
  ],
]

describe('the run ends in time, with a report that is safe to show', () => {
  for (const [name, script] of attacks) {
    test(name, async () => {
      const server = await startScriptedServer(script)
      const startMs = performance.now()
      const heapBytes = process.memoryUsage().rss
      const report = await examine(catalogue, server.port, {
        limits: { runTimeoutMs, replyTimeoutMs: 800, connectTimeoutMs: 500, patienceMs: 100 },
      })
      const tookMs = performance.now() - startMs
      await server.close()
      assert.ok(tookMs < runTimeoutMs + 3000, `${tookMs} ms`)
      assert.ok(process.memoryUsage().rss - heapBytes < 150_000_000)
      assert.equal(report.outcomes.length, catalogue.length)
      const faults = report.outcomes.filter(({ finding }) => finding.subtype === 'fault')
      assert.deepEqual(
        faults.map(({ finding }) => finding.summary.en),
        [],
      )
      assert.notEqual(overallOf(report), 'ready')
      assert.ok(report.transcripts.every(({ lines }) => lines.length <= 600))
      const shown = reportText(report, {
        networks: [],
        language: 'de',
        isColoured: false,
        width: 96,
      })
      // oxlint-disable-next-line no-control-regex -- exactly what must not be there; a TAB is in a snippet
      assert.doesNotMatch(shown, /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u202e]/)
    })
  }
})

test('names in replies are not followed', async () => {
  const second = await startScriptedServer(examinedServer({}))
  const server = await startScriptedServer(
    examinedServer({
      rcpt: () => `551 5.1.6 User not local; please try <anna@127.0.0.1:${second.port}>`,
    }),
  )
  await examine(catalogue, server.port, { limits: { runTimeoutMs: 5000 } })
  assert.equal(second.connections.length, 0)
  await Promise.all([server.close(), second.close()])
})
