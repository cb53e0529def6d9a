// Clients that ignore the rules of pipelining (RFC 2920 §3.1), up to those that say everything at once and listen to
// nothing. Nothing is misread, and with `smtp.unauthorizedPipelining: reject` they lose the session.

import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { connectRaw } from '../support/raw-client.ts'
import {
  assertOnlyNextIsServed,
  openProtocolSite,
  type ProtocolSite,
} from './support/protocol-site.ts'

let lenient: ProtocolSite
let strict: ProtocolSite
before(async () => {
  ;[lenient, strict] = await Promise.all([
    openProtocolSite(),
    openProtocolSite({ smtp: { unauthorizedPipelining: 'reject' } }),
  ])
})
after(async () => {
  await lenient[Symbol.asyncDispose]()
  await strict[Symbol.asyncDispose]()
})

const envelope = 'MAIL FROM:<s@sender.example>\r\nRCPT TO:<a@inst.example>\r\n'
const content = 'Subject: x\r\n\r\n.\r\n'

/** All that is said to one write, at the start of a session and to its end. */
async function say(site: ProtocolSite, text: string): Promise<readonly string[]> {
  await using client = await connectRaw({ port: site.relay.port })
  await client.send(text)
  client.end()
  const replies: string[] = []
  for (;;) {
    const reply = await client.expect().catch(() => null)
    if (reply === null) return replies.map((each) => each.slice(0, 3))
    replies.push(reply)
  }
}

test('before the banner, all in one: each reply is there once and in order, and it is told once', async () => {
  lenient.institute.clear()
  const group = `EHLO x\r\n${envelope}DATA\r\n${content}VRFY x\r\n${envelope}DATA\r\n${content}QUIT\r\n`
  assert.deepEqual(await say(lenient, group), [
    '220',
    '250',
    '250',
    '250',
    '354',
    '250',
    '252',
    '250',
    '250',
    '354',
    '250',
    '221',
  ])
  await lenient.relay.waitForEvent((event) => event['event'] === 'session-closed')
  const told = lenient.relay.events('protocol-error')
  assert.deepEqual(
    told.map(({ detail }) => detail),
    ['more was sent before the reply to EHLO'],
  )
  await assertOnlyNextIsServed(lenient, 2)
})

test('content ahead of a DATA that is refused is no mail, and no commands', async () => {
  lenient.institute.clear()
  const hidden = `${envelope}DATA\r\n${content}`
  const refused = 'MAIL FROM:<s@sender.example>\r\nRCPT TO:<a@elsewhere.example>\r\n'
  const replies = await say(lenient, `EHLO x\r\n${refused}DATA\r\nSubject: x\r\n${hidden}`)
  assert.deepEqual(replies, ['220', '250', '250', '550', '554', '421'])
  await assertOnlyNextIsServed(lenient, 0)
})

test('nobody listens: the replies do not pile up', async () => {
  lenient.institute.clear()
  await using client = await connectRaw({ port: lenient.relay.port, deadlineMs: 10_000 })
  client.pause()
  const noops = 'NOOP\r\n'.repeat(50_000)
  void client.send(`EHLO x\r\n${noops.repeat(4)}`).catch(() => undefined)
  await new Promise((resolve) => setTimeout(resolve, 500))
  const rss = await lenient.relay.pforte('status', '--json')
  assert.equal(rss.exitCode, 0, rss.stderr) // the relay is there for others
  await assertOnlyNextIsServed(lenient, 0)
})

test('where it is refused: one reply, the end, and nothing is delivered', async () => {
  strict.institute.clear()
  assert.deepEqual(await say(strict, `EHLO x\r\n${envelope}`), ['220', '554'])
  for (const verb of ['NOOP', 'VRFY x', 'EXPN x', 'HELO x']) {
    await using client = await connectRaw({ port: strict.relay.port })
    await client.expect(220)
    await client.command('EHLO x', 250)
    await client.send(`${verb}\r\n${envelope}`)
    await client.expect(/^554 5\.5\.0 /)
    await client.closed()
  }
  await assertOnlyNextIsServed(strict, 0)
})

test('where it is refused: content ahead of 354', async () => {
  strict.institute.clear()
  await using client = await connectRaw({ port: strict.relay.port })
  await client.expect(220)
  await client.command('EHLO x', 250)
  await client.send(`${envelope}DATA\r\n${content}`)
  await client.expect(250)
  await client.expect(250)
  await client.expect(/^554 5\.5\.0 /)
  await client.closed()
  await assertOnlyNextIsServed(strict, 0)
})

test('where it is refused: any two commands after HELO, which promises no pipelining', async () => {
  strict.institute.clear()
  await using client = await connectRaw({ port: strict.relay.port })
  await client.expect(220)
  await client.command('HELO x', 250)
  await client.send(envelope)
  await client.expect(/^554 5\.5\.0 /)
  await client.closed()
  await assertOnlyNextIsServed(strict, 0)
})

test('where it is refused: groups as RFC 2920 wants them are served', async () => {
  strict.institute.clear()
  await using client = await connectRaw({ port: strict.relay.port })
  await client.expect(220)
  await client.command('EHLO x', 250)
  await client.send(`${envelope}DATA\r\n`)
  await client.readReplies(3)
  await client.send(
    `${content}${envelope}BDAT 14\r\nSubject: x\r\n\r\nBDAT 0 LAST\r\nRSET\r\nQUIT\r\n`,
  )
  const replies = await client.readReplies(7)
  assert.deepEqual(
    replies.map((reply) => reply.slice(0, 3)),
    ['250', '250', '250', '250', '250', '250', '221'],
  )
  assert.equal(strict.institute.mails.length, 2)
})
