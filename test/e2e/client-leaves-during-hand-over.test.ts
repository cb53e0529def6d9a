// The client does not wait for the reply (RFC 1047): the mail is delivered, and its retry is answered
// without a second delivery.

import assert from 'node:assert/strict'
import { after, before, beforeEach, test } from 'node:test'
import { startInstituteServer, type InstituteServer } from '../../demo/institute-server.ts'
import type { RawClient } from '../support/raw-client.ts'
import { startRelay, type TestRelay } from '../support/relay.ts'
import { endpointOf, openSession, sendOneMail, until } from './support/mail.ts'

let institute: InstituteServer
let relay: TestRelay
const slowMs = 300

before(async () => {
  institute = await startInstituteServer({ mailboxes: 'all' })
  relay = await startRelay({ domains: [{ domain: 'inst.example', to: endpointOf(institute) }] })
})
beforeEach(() => {
  institute.clear()
  institute.setScript({ delayMs: {} })
})
after(async () => {
  await relay[Symbol.asyncDispose]()
  await institute.close()
})

const content = (subject: string): string => `Subject: ${subject}\r\n\r\nText.\r\n`

/** Sends all of a mail and does not read the reply to it. */
async function sendUnheard(subject: string, leave: (client: RawClient) => void): Promise<void> {
  await using client = await openSession(relay)
  await client.command('MAIL FROM:<s@sender.example>', 250)
  await client.command('RCPT TO:<a@inst.example>', 250)
  await client.command('DATA', 354)
  institute.setScript({ delayMs: { final: slowMs } })
  await client.send(`${content(subject)}.\r\n`)
  await new Promise((resolve) => setTimeout(resolve, 50))
  leave(client)
  await institute.waitForMails(1)
  await new Promise((resolve) => setTimeout(resolve, 100))
  institute.setScript({ delayMs: {} })
}

const ways: readonly (readonly [string, (client: RawClient) => void])[] = [
  ['resets the connection', (client) => client.reset()],
  ['closes the connection', (client) => void client[Symbol.asyncDispose]()],
  ['closes its side only', (client) => client.end()],
]

for (const [name, leave] of ways) {
  test(`the client ${name}: one delivery, and the retry gets 250`, async () => {
    await sendUnheard(name, leave)
    assert.equal(institute.mails.length, 1)
    const retry = await sendOneMail(relay, { to: 'a@inst.example', content: content(name) })
    assert.match(retry.final ?? '', /^250 2\.0\.0 Ok: .*already delivered/)
    assert.equal(institute.mails.length, 1)
    // The retry has been answered: what comes after it is a mail of its own.
    const again = await sendOneMail(relay, { to: 'a@inst.example', content: content(name) })
    assert.match(again.final ?? '', /^250 2\.0\.0 Ok: .*says: 250/)
    assert.equal(institute.mails.length, 2)
  })
}

test('another content, recipient or sender is another mail', async () => {
  await sendUnheard('one', (client) => client.reset())
  await sendOneMail(relay, { to: 'a@inst.example', content: content('two') })
  await sendOneMail(relay, { to: 'b@inst.example', content: content('one') })
  await sendOneMail(relay, {
    from: 'x@sender.example',
    to: 'a@inst.example',
    content: content('one'),
  })
  assert.equal(institute.mails.length, 4)
})

test('QUIT sent ahead and a half-closed connection: the client hears everything', async () => {
  await using client = await openSession(relay)
  await client.command('MAIL FROM:<s@sender.example>', 250)
  await client.command('RCPT TO:<a@inst.example>', 250)
  await client.command('DATA', 354)
  institute.setScript({ delayMs: { final: 100 } })
  await client.send(`${content('half')}.\r\nQUIT\r\n`)
  client.end()
  await client.expect(250)
  await client.expect(221)
  await client.closed()
  assert.equal(institute.mails.length, 1)
  const again = await sendOneMail(relay, { to: 'a@inst.example', content: content('half') })
  assert.match(again.final ?? '', /says: 250/)
  assert.equal(institute.mails.length, 2)
})

test('a client that leaves during a question leaves no fault behind', async () => {
  institute.setScript({ delayMs: { rcpt: 200 } })
  const client = await openSession(relay)
  await client.send('MAIL FROM:<s@sender.example>\r\nRCPT TO:<slow@inst.example>\r\nDATA\r\n')
  await new Promise((resolve) => setTimeout(resolve, 50))
  client.reset()
  await until(() =>
    relay.events('recipient-asked').some((event) => event['recipient'] === 'slow@inst.example'),
  )
  await new Promise((resolve) => setTimeout(resolve, 100))
  assert.deepEqual(relay.events('internal-error'), [])
  assert.equal(institute.mails.length, 0)
})

test('commands sent ahead of a lost connection are not carried out', async () => {
  const client = await openSession(relay)
  await client.command('MAIL FROM:<s@sender.example>', 250)
  await client.command('RCPT TO:<a@inst.example>', 250)
  await client.command('DATA', 354)
  institute.setScript({ delayMs: { final: slowMs } })
  const next = 'MAIL FROM:<s@sender.example>\r\nRCPT TO:<never@inst.example>\r\nDATA\r\n'
  await client.send(`${content('ahead')}.\r\n${next}`)
  await new Promise((resolve) => setTimeout(resolve, 50))
  client.reset()
  await institute.waitForMails(1)
  await new Promise((resolve) => setTimeout(resolve, 200))
  assert.equal(institute.mails.length, 1)
  assert.ok(!institute.commandTexts.includes('RCPT TO:<never@inst.example>'))
  assert.deepEqual(relay.events('internal-error'), [])
})

test('a client that leaves within the content delivers nothing', async () => {
  const client = await openSession(relay)
  await client.command('MAIL FROM:<s@sender.example>', 250)
  await client.command('RCPT TO:<a@inst.example>', 250)
  await client.command('DATA', 354)
  await client.send('Subject: x\r\n\r\nhalf a mail\r\n.\r')
  client.end()
  await client.closed()
  await new Promise((resolve) => setTimeout(resolve, 100))
  assert.equal(institute.mails.length, 0)
  assert.ok(!institute.commandTexts.includes('DATA'))
})
