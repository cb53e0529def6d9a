// Replies before their question, twice, without end, contradictory or malformed: never a 250, the
// connection is dropped, and the next mail goes over a new one.

import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import {
  bareLineFeed,
  codeOutOfRange,
  contradictoryCodes,
  earlyReplies,
  endlessLine,
  endlessReply,
  malformed,
  playDialog,
  replyBeforeQuestion,
  type HostileStage,
} from '../support/hostile-behaviours.ts'
import { startScriptedServer, type Script, type ScriptedServer } from '../support/hostile-server.ts'
import { startRelay, type TestRelay } from '../support/relay.ts'
import { endpointOf, inParallel, sendOneMail } from './support/mail.ts'

const stages = ['banner', 'ehlo', 'mail', 'rcpt', 'data', 'final'] as const
const behaviours: readonly (readonly [string, (stage: HostileStage) => Script])[] = [
  ['endless reply', endlessReply],
  ['endless line', endlessLine],
  ['two codes in one reply', contradictoryCodes],
  ['no reply code', malformed],
  ['code 650', codeOutOfRange],
  ['bare LF', bareLineFeed],
]
const scenarios: readonly { readonly name: string; readonly script: Script }[] = [
  ...stages.flatMap((stage) =>
    behaviours.map(([name, behaviour]) => ({
      name: `${name} at ${stage}`,
      script: behaviour(stage),
    })),
  ),
  ...(['ehlo', 'mail', 'rcpt', 'data', 'final'] as const).map((stage) => ({
    name: `reply before its question at ${stage}`,
    script: replyBeforeQuestion(stage),
  })),
  { name: 'every reply twice', script: earlyReplies() },
  {
    name: 'two final replies',
    script: playDialog({ final: '250 2.0.0 Ok\r\n554 5.7.1 No' }),
  },
  { name: 'a positive reply to DATA without asking', script: playDialog({ data: '250 2.0.0 Ok' }) },
]

let servers: readonly ScriptedServer[]
let relay: TestRelay

before(async () => {
  servers = await Promise.all(scenarios.map(() => startScriptedServer(playDialog({}))))
  relay = await startRelay({
    domains: servers.map((server, index) => ({
      domain: `inst${index}.example`,
      to: endpointOf(server),
    })),
    // Nobody here falls silent: no time limit plays a part.
    config: { verification: { breakerFailures: 1000 } },
  })
})
after(async () => {
  await relay[Symbol.asyncDispose]()
  await Promise.all(servers.map((server) => server.close()))
})

test('the institute speaks out of turn', { concurrency: true }, async (t) => {
  await inParallel(scenarios, 8, ({ name, script }, index) =>
    t.test(name, async () => {
      const server = servers[index]
      assert.ok(server !== undefined)
      const to = `known@inst${index}.example`
      assert.match((await sendOneMail(relay, { to })).final ?? '', /^250 /)
      for (const connection of server.connections) connection.destroy()

      server.setScript(script)
      const connectionCount = server.connections.length
      const handed = await sendOneMail(relay, { to })
      assert.match(handed.final ?? '', /^451 4\.4\.1 /)
      // One attempt, on one connection that is not used again.
      assert.equal(server.connections.length, connectionCount + 1)

      server.setScript(playDialog({}))
      assert.match((await sendOneMail(relay, { to })).final ?? '', /^250 /)
      assert.equal(server.connections.length, connectionCount + 2)
    }),
  )
})

test('a reply that comes between two questions does not answer the second', async () => {
  // A second reply to EHLO that arrives a moment late meets MAIL, and shifts every answer by one.
  await using server = await startScriptedServer(async (connection) => {
    await connection.send('220 hostile.example\r\n')
    await connection.expect(/^EHLO/)
    await connection.send('250-hostile.example\r\n250 PIPELINING\r\n')
    await connection.expect(/^MAIL/)
    await connection.send('250 2.0.0 Early\r\n')
    await connection.send('250 2.1.0 Sender ok\r\n')
    await connection.expect(/^RCPT/)
    await connection.send('550 5.1.1 User unknown\r\n')
    await connection.expect(/^RSET/)
    await new Promise((resolve) => setTimeout(resolve, 100))
    await connection.send('250 2.0.0 Ok\r\n')
    await connection.untilPeerLeaves()
  })
  const { exitCode, stderr } = await relay.pforte(
    'domain',
    'add',
    'late.example',
    '--to',
    endpointOf(server),
  )
  assert.equal(exitCode, 0, stderr)
  for (let tries = 0; tries < 100; tries += 1) {
    const sent = await sendOneMail(relay, { to: 'nobody@late.example' })
    const [reply = ''] = sent.recipients
    assert.doesNotMatch(reply, /^250/)
    if (!reply.includes('not served')) {
      assert.match(reply, /^451 4\.4\.1 /)
      break
    }
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
  assert.ok(server.lines.includes('RCPT TO:<nobody@late.example>'))
})
