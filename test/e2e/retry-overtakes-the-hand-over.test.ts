// A client that has lost patience sends its mail again (RFC 1047). Whether the retry comes after the
// hand-over, while it still runs, or after the spool has taken the mail: the institute gets it once.

import assert from 'node:assert/strict'
import { after, before, beforeEach, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { startInstituteServer, type InstituteServer } from '../../demo/institute-server.ts'
import { startRelay, type TestRelay } from '../support/relay.ts'
import { endpointOf, openSession, sendOneMail, until } from './support/mail.ts'
import {
  arrivals,
  contentNamed,
  fatesOf,
  makeKnown,
  quick,
  untilDelivered,
} from './support/outage.ts'

const slowMs = 600
let institute: InstituteServer
let second: InstituteServer
let relay: TestRelay

before(async () => {
  institute = await startInstituteServer({ mailboxes: ['a@inst.example'] })
  second = await startInstituteServer({ mailboxes: ['a@second.example'] })
  relay = await startRelay({
    domains: [
      { domain: 'inst.example', to: endpointOf(institute) },
      { domain: 'second.example', to: endpointOf(second) },
    ],
    config: quick,
  })
  await makeKnown(relay, ['a@inst.example', 'a@second.example'])
})
beforeEach(async () => {
  await institute.resume()
  institute.setScript({ delayMs: {} })
})
after(async () => {
  await relay[Symbol.asyncDispose]()
  await institute.close()
  await second.close()
})

/** Sends all of a mail, waits a moment and leaves without having heard the answer. */
async function sendAndLeave(to: readonly string[], subject: string): Promise<void> {
  await using client = await openSession(relay)
  await client.command('MAIL FROM:<s@sender.example>', 250)
  for (const address of to) await client.command(`RCPT TO:<${address}>`, 250)
  await client.command('DATA', 354)
  await client.send(`${contentNamed(subject)}.\r\n`)
  await sleep(100)
  client.reset()
}

test('while the first hand-over still runs', async () => {
  institute.setScript({ delayMs: { final: slowMs } })
  await sendAndLeave(['a@inst.example'], 'running')
  const retry = await sendOneMail(relay, {
    to: 'a@inst.example',
    content: contentNamed('running'),
  })
  assert.match(retry.final ?? '', /^250 /)
  await sleep(2 * slowMs)
  assert.deepEqual(arrivals(institute, 'running'), [['a@inst.example']])
})

test('while one of two hand-overs still runs', async () => {
  const to = ['a@inst.example', 'a@second.example']
  institute.setScript({ delayMs: { final: slowMs } })
  await sendAndLeave(to, 'half')
  const retry = await sendOneMail(relay, { to, content: contentNamed('half') })
  assert.match(retry.final ?? '', /^250 /)
  await sleep(2 * slowMs)
  assert.deepEqual(arrivals(institute, 'half'), [['a@inst.example']])
  assert.deepEqual(arrivals(second, 'half'), [['a@second.example']])
})

test('several impatient retries in a row', async () => {
  institute.setScript({ delayMs: { final: slowMs } })
  for (let time = 1; time <= 3; time += 1) await sendAndLeave(['a@inst.example'], 'thrice')
  await sleep(2 * slowMs)
  institute.setScript({ delayMs: {} })
  const retry = await sendOneMail(relay, { to: 'a@inst.example', content: contentNamed('thrice') })
  assert.match(retry.final ?? '', /^250 /)
  assert.deepEqual(arrivals(institute, 'thrice'), [['a@inst.example']])
})

test('after the spool has taken the mail', async () => {
  // It hangs, so that the client is gone before the spool takes the mail.
  institute.setScript({ delayMs: { mail: 10_000 } })
  await sendAndLeave(['a@inst.example'], 'spooled')
  await until(() => fatesOf(relay).length === 1, 10_000)
  const retry = await sendOneMail(relay, {
    to: 'a@inst.example',
    content: contentNamed('spooled'),
  })
  assert.match(retry.final ?? '', /^250 /)
  assert.deepEqual(fatesOf(relay), ['a@inst.example'])
  institute.setScript({ delayMs: {} })
  await untilDelivered(relay)
  assert.deepEqual(arrivals(institute, 'spooled'), [['a@inst.example']])
})

test('two clients that send the same bytes are two senders of two mails', async () => {
  const send = (localAddress: string) => openSession(relay, { localAddress })
  for (const localAddress of ['127.0.0.1', '127.0.0.2']) {
    await using client = await send(localAddress)
    await client.command('MAIL FROM:<s@sender.example>', 250)
    await client.command('RCPT TO:<a@inst.example>', 250)
    await client.command('DATA', 354)
    await client.send(`${contentNamed('same')}.\r\n`)
    await client.expect(250)
  }
  assert.equal(arrivals(institute, 'same').length, 2)
})
