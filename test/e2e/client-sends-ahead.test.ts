// Pipelining (RFC 2920) as a client sees it: replies to one group leave together and in order.

import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { startInstituteServer, type InstituteServer } from '../../demo/institute-server.ts'
import { startScriptedServer } from '../support/hostile-server.ts'
import { connectRaw } from '../support/raw-client.ts'
import { startRelay, type TestRelay } from '../support/relay.ts'
import { endpointOf, openSession, sendOneMail } from './support/mail.ts'

let institute: InstituteServer
let relay: TestRelay

before(async () => {
  institute = await startInstituteServer({ mailboxes: 'all' })
  relay = await startRelay({ domains: [{ domain: 'inst.example', to: endpointOf(institute) }] })
})
after(async () => {
  await relay[Symbol.asyncDispose]()
  await institute.close()
})

test('the replies to a group arrive in one read', async () => {
  await sendOneMail(relay, { to: ['a@inst.example', 'b@inst.example'] })
  const mailCount = institute.mails.length
  await using client = await openSession(relay)
  client.forgetChunks()
  await client.send(
    'MAIL FROM:<s@sender.example>\r\nRCPT TO:<a@inst.example>\r\nRCPT TO:<b@inst.example>\r\nDATA\r\n',
  )
  const replies = await client.readReplies(4)
  assert.deepEqual(
    replies.map((reply) => reply.slice(0, 3)),
    ['250', '250', '250', '354'],
  )
  assert.equal(client.chunks().length, 1)
  client.forgetChunks()
  await client.send('Subject: x\r\n\r\nText.\r\n.\r\nRSET\r\nNOOP\r\nQUIT\r\n')
  const after = await client.readReplies(4)
  assert.deepEqual(
    after.map((reply) => reply.slice(0, 3)),
    ['250', '250', '250', '221'],
  )
  // The reply to the content does not wait for anything; what was asked for behind it comes as one.
  assert.ok(client.chunks().length <= 2)
  await client.closed()
  assert.equal(institute.mails.length, mailCount + 1)
})

test('a whole session in one write, and the client closes its side', async () => {
  const mailCount = institute.mails.length
  await using client = await connectRaw({ port: relay.port })
  const mail = (subject: string): string =>
    `MAIL FROM:<s@sender.example>\r\nRCPT TO:<a@inst.example>\r\nDATA\r\nSubject: ${subject}\r\n\r\nText.\r\n.\r\n`
  await client.send(`EHLO client.example\r\n${mail('one')}${mail('two')}QUIT\r\n`)
  client.end()
  const replies = await client.readReplies(11)
  assert.deepEqual(
    replies.map((reply) => reply.slice(0, 3)),
    ['220', '250', '250', '250', '354', '250', '250', '250', '354', '250', '221'],
  )
  await client.closed()
  assert.deepEqual(
    institute.mails.slice(mailCount).map(({ headerText }) => /Subject: .*/.exec(headerText)?.[0]),
    ['Subject: one', 'Subject: two'],
  )
})

test('recipients of a group are asked for at once, each of them once', async () => {
  // The first answer is late, and none is remembered: what came ahead of its turn has to be kept.
  await using server = await startScriptedServer(async (connection) => {
    await connection.send('220 grey.example\r\n')
    for (;;) {
      const line = await connection.expect(/^/)
      if (line.includes('grey0@')) await sleep(300)
      else if (line.startsWith('RCPT')) await sleep(10)
      await connection.send(
        line.startsWith('RCPT') ? '450 4.2.0 Greylisted\r\n' : '250 2.0.0 Ok\r\n',
      )
    }
  })
  const added = await relay.pforte('domain', 'add', 'grey.example', '--to', endpointOf(server))
  assert.equal(added.exitCode, 0, added.stderr)
  await sleep(1000) // it is picked up within a second

  const addresses = Array.from({ length: 20 }, (_none, index) => `grey${index}@grey.example`)
  await using client = await openSession(relay)
  const group = addresses.map((address) => `RCPT TO:<${address}>\r\n`).join('')
  const startMs = performance.now()
  await client.send(`MAIL FROM:<s@sender.example>\r\n${group}`)
  const answers = await client.readReplies(21)
  const tookMs = performance.now() - startMs
  assert.ok(answers.slice(1).every((reply) => reply.startsWith('450 4.2.0 ')))
  const counts = addresses.map(
    (address) => server.lines.filter((line) => line === `RCPT TO:<${address}>`).length,
  )
  assert.deepEqual(new Set(counts), new Set([1]), `questions: ${counts.join(' ')}`)
  assert.ok(tookMs < 900, `one after the other: ${tookMs} ms`)
})
