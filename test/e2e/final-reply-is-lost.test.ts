// The institute has all of the content, and its answer does not come (RFC 1047). A duplicate cannot be
// excluded then, a loss can: the client hears 4yz and keeps the mail, the relay keeps nothing.

import assert from 'node:assert/strict'
import { after, before, beforeEach, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { playDialog, type Action } from '../support/hostile-behaviours.ts'
import { startScriptedServer, type ScriptedServer } from '../support/hostile-server.ts'
import { startRelay, type TestRelay } from '../support/relay.ts'
import { endpointOf, sendOneMail } from './support/mail.ts'
import { contentNamed, fatesOf, makeKnown, quick } from './support/outage.ts'

/** It knows its recipients: one that takes every address is not believed in an outage. */
const rcpt: Action = async (connection) => {
  const isKnown = /<[ab]@/.test(connection.lines.at(-1) ?? '')
  await connection.send(isKnown ? '250 2.1.5 Ok\r\n' : '550 5.1.1 User unknown\r\n')
}

let institute: ScriptedServer
let relay: TestRelay

before(async () => {
  institute = await startScriptedServer(playDialog({ rcpt }))
  relay = await startRelay({
    domains: [{ domain: 'inst.example', to: endpointOf(institute) }],
    config: quick,
  })
  await makeKnown(relay, ['a@inst.example', 'b@inst.example'])
})
beforeEach(() => {
  for (const connection of institute.connections) connection.destroy()
})
after(async () => {
  await relay[Symbol.asyncDispose]()
  await institute.close()
})

function countOf(subject: string): number {
  const contents = institute.connections.flatMap((connection) => connection.contents)
  return contents.filter((content) => content.includes(`Subject: ${subject}\r\n`)).length
}

const ways: readonly (readonly [string, Action])[] = [
  ['says nothing more', (connection) => connection.untilPeerLeaves()],
  [
    'closes',
    async (connection) => {
      connection.end()
      await connection.untilPeerLeaves()
    },
  ],
  ['resets', async (connection) => connection.reset()],
]

for (const [name, final] of ways) {
  test(`the institute ${name}: 4yz, nothing in the spool, the retry makes the one duplicate`, async () => {
    institute.setScript(playDialog({ rcpt, final }))
    const to = ['a@inst.example', 'b@inst.example']
    const sent = await sendOneMail(relay, { to, content: contentNamed(name) })
    assert.match(sent.final ?? '', /^451 4\.4\./)
    assert.equal(countOf(name), 1)
    assert.deepEqual(fatesOf(relay), [])

    institute.setScript(playDialog({ rcpt }))
    await sleep(1500) // longer than the spool would wait
    assert.equal(countOf(name), 1, 'the relay tried again on its own')
    const retry = await sendOneMail(relay, { to, content: contentNamed(name) })
    assert.match(retry.final ?? '', /^250 /)
    assert.equal(countOf(name), 2)
    assert.deepEqual(fatesOf(relay), [])
  })
}
