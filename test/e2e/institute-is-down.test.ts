import assert from 'node:assert/strict'
import { after, before, beforeEach, test } from 'node:test'
import { startInstituteServer, type InstituteServer } from '../../demo/institute-server.ts'
import { startRelay, type TestRelay } from '../support/relay.ts'
import { endpointOf, impatient, sendOneMail } from './support/mail.ts'

let institute: InstituteServer
let second: InstituteServer
let relay: TestRelay

before(async () => {
  institute = await startInstituteServer({ mailboxes: ['a@inst.example', 'c@both.example'] })
  second = await startInstituteServer({ mailboxes: ['c@both.example'] })
  relay = await startRelay({
    domains: [
      { domain: 'inst.example', to: endpointOf(institute) },
      { domain: 'both.example', to: [endpointOf(institute), endpointOf(second)] },
    ],
    config: impatient,
  })
})
beforeEach(() => {
  institute.clear()
  second.clear()
})
after(async () => {
  await relay[Symbol.asyncDispose]()
  await institute.close()
  await second.close()
})

test('nothing known: 451 4.4.1 that names the server', async () => {
  await institute.pause()
  const sent = await sendOneMail(relay, { to: 'never-seen@inst.example' })
  assert.match(
    sent.recipients[0] ?? '',
    /^451 4\.4\.1 <never-seen@inst\.example>: 127\.0\.0\.1 does not answer: .*ECONNREFUSED/,
  )
  await institute.resume()
  assert.equal(institute.mails.length, 0)
})

test('the connection dies while it is idle: the next mail goes over a new one', async () => {
  await sendOneMail(relay, { to: 'a@inst.example' })
  await institute.pause('drop')
  await institute.resume()
  const sent = await sendOneMail(relay, { to: 'a@inst.example' })
  assert.match(sent.final ?? '', /^250 /)
  assert.equal(institute.mails.length, 2)
})

test('the first --to is down: the second gets questions and mails', async () => {
  await institute.pause()
  const sent = await sendOneMail(relay, { to: 'c@both.example' })
  assert.match(sent.final ?? '', /^250 /)
  await institute.resume()
  assert.equal(second.mails.length, 1)
  assert.equal(institute.mails.length, 0)
})
