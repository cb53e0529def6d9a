// What the institute says to the content reaches the sender as it was said; what is temporary, Pforte takes over.

import assert from 'node:assert/strict'
import { after, before, beforeEach, test } from 'node:test'
import { startInstituteServer, type InstituteServer } from '../../demo/institute-server.ts'
import { startRelay, type TestRelay } from '../support/relay.ts'
import { endpointOf, sendOneMail } from './support/mail.ts'

let institute: InstituteServer
let relay: TestRelay

before(async () => {
  institute = await startInstituteServer({ mailboxes: 'all' })
  relay = await startRelay({ domains: [{ domain: 'inst.example', to: endpointOf(institute) }] })
})
beforeEach(() => {
  institute.clear()
  institute.setScript({ stageReplies: {} })
})
after(async () => {
  await relay[Symbol.asyncDispose]()
  await institute.close()
})

const cases: readonly (readonly [string, RegExp])[] = [
  ['550 5.7.1 Spam', /^550 5\.7\.1 127\.0\.0\.1 says: 550 5\.7\.1 Spam \[\S+\]$/],
  ['554-5.6.0 Two\n554 5.6.0 lines', /^554 5\.6\.0 127\.0\.0\.1 says: 554 5\.6\.0 Two lines/],
  ['552 5.2.2 Full', /^552 5\.2\.2 /],
  ['550 no status', /^550 5\.6\.0 .*says: 550 no status/],
  ['571 5.7.1 odd code', /^554 5\.6\.0 .*says: 571 5\.7\.1 odd code/],
  ['451 4.7.1 Later', /^250 .*taken over for later delivery/],
  ['452 4.3.1 Disk full', /^250 .*taken over for later delivery/],
  ['421 4.3.2 Going down', /^250 .*taken over for later delivery/],
]

for (const [reply, wanted] of cases) {
  test(reply.replaceAll('\n', ' / '), async () => {
    institute.setScript({ stageReplies: { final: reply } })
    const sent = await sendOneMail(relay, { to: ['a@inst.example', 'b@inst.example'] })
    assert.match(sent.final ?? '', wanted)
    assert.equal(institute.refusedMails.length, 1)
    assert.equal(institute.mails.length, 0)
    institute.setScript({ stageReplies: {} })
    assert.match((await sendOneMail(relay, { to: 'a@inst.example' })).final ?? '', /^250 /)
    assert.equal(institute.mails.length, 1)
  })
}
