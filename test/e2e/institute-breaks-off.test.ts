// The institute closes, resets or falls silent at some stage: 451, because a server that takes any recipient
// is not believed in an outage; nothing sent twice, and the next mail works as soon as the institute does.

import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import {
  closesAfterMail,
  closesAt,
  closesWith421,
  hangsAt,
  playDialog,
  resetsAt,
  type HostileStage,
} from '../support/hostile-behaviours.ts'
import { startScriptedServer, type ScriptedServer, type Script } from '../support/hostile-server.ts'
import { startRelay, type TestRelay } from '../support/relay.ts'
import { endpointOf, impatient, inParallel, plainContent, sendOneMail } from './support/mail.ts'

const stages: readonly HostileStage[] = ['banner', 'ehlo', 'mail', 'rcpt', 'data', 'final']
const behaviours: readonly (readonly [string, (stage: HostileStage) => Script])[] = [
  ['closes', closesAt],
  ['resets', resetsAt],
  ['hangs', hangsAt],
  ['says 421', closesWith421],
]
const scenarios = [
  ...stages.flatMap((stage) =>
    behaviours.map(([name, behaviour]) => ({
      name: `${name} at ${stage}`,
      script: behaviour(stage),
      stage,
    })),
  ),
  { name: 'closes after MAIL', script: closesAfterMail(), stage: 'rcpt' as const },
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
    config: impatient,
  })
})
after(async () => {
  await relay[Symbol.asyncDispose]()
  await Promise.all(servers.map((server) => server.close()))
})

test('the institute breaks off', { concurrency: true }, async (t) => {
  await inParallel(scenarios, 8, ({ name, script, stage }, index) =>
    t.test(name, async () => {
      const server = servers[index]
      assert.ok(server !== undefined)
      const to = `known@inst${index}.example`
      assert.match((await sendOneMail(relay, { to })).final ?? '', /^250 /)
      const before = contentsOf(server).length
      assert.equal(before, 1)

      // At hand-over, the recipient being known. Fresh connections only.
      for (const connection of server.connections) connection.destroy()
      server.setScript(script)
      const handed = await sendOneMail(relay, { to })
      assert.match(
        handed.final ?? '',
        // It has just taken the recipient, and says of the mail: later.
        stage === 'final' && name.startsWith('says') ? /^250 .*taken over/ : /^451 4\.4\.1 /,
      )
      assert.equal(contentsOf(server).length, stage === 'final' ? before + 1 : before)

      // At a question.
      if (stage !== 'data' && stage !== 'final') {
        const asked = await sendOneMail(relay, { to: `new@inst${index}.example` })
        assert.match(asked.recipients[0] ?? '', /^451 4\.4\.1 .*127\.0\.0\.1 does not answer/)
      }

      server.setScript(playDialog({}))
      assert.match((await sendOneMail(relay, { to })).final ?? '', /^250 /)
      assert.equal(contentsOf(server).at(-1)?.toString().endsWith(`${plainContent}.\r\n`), true)
      assert.deepEqual(server.failures, [])
    }),
  )
})

function contentsOf(server: ScriptedServer): readonly Buffer[] {
  return server.connections.flatMap(({ contents }) => contents)
}
