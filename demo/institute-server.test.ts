import assert from 'node:assert/strict'
import { createHash, randomBytes } from 'node:crypto'
import { test } from 'node:test'
import { connectRaw, type RawClient } from '../test/support/raw-client.ts'
import { startInstituteServer, type InstituteServer } from './institute-server.ts'

const small = 'Subject: hello\r\n\r\nhello\r\n'

async function connectAndGreet({ port }: InstituteServer): Promise<RawClient> {
  const client = await connectRaw({ port })
  await client.expect(220)
  await client.command('EHLO test.example', 250)
  return client
}

async function sendMail(client: RawClient, to: string, content: string): Promise<string> {
  await client.command('MAIL FROM:<a@sender.example>', 250)
  await client.command(`RCPT TO:<${to}>`, 250)
  await client.command('DATA', 354)
  await client.send(`${content}.\r\n`)
  return client.expect()
}

test('accepts a mail for a mailbox and records it', async () => {
  await using server = await startInstituteServer({ mailboxes: ['bob@inst.example'] })
  await using client = await connectAndGreet(server)
  await client.command('MAIL FROM:<> SIZE=100 BODY=8BITMIME', 250)
  await client.command('RCPT TO:<Bob@inst.example>', 250)
  await client.command('DATA', 354)
  await client.send('Subject: dots\r\n\r\n..one\r\n...two\r\n.\r\n')
  await client.expect(/^250 2\.0\.0 /)
  await client.command('QUIT', 221)
  await client.closed()

  const [mail] = server.mails
  assert.equal(server.mails.length, 1)
  assert.equal(mail?.content?.toString(), 'Subject: dots\r\n\r\n.one\r\n..two\r\n')
  assert.equal(mail.wire?.toString(), 'Subject: dots\r\n\r\n..one\r\n...two\r\n.\r\n')
  assert.equal(mail.reversePath, '')
  assert.equal(mail.mailParameters, 'SIZE=100 BODY=8BITMIME')
  assert.deepEqual(mail.recipients, ['Bob@inst.example'])
  assert.equal(mail.greetingName, 'test.example')
  assert.equal(mail.connection, 1)
  assert.ok(Math.abs(mail.arrivedAtMs - Date.now()) < 5000)
  assert.deepEqual(server.commandTexts, [
    'EHLO test.example',
    'MAIL FROM:<> SIZE=100 BODY=8BITMIME',
    'RCPT TO:<Bob@inst.example>',
    'DATA',
    'QUIT',
  ])
})

test('refuses unknown mailboxes, plays scripted replies, and follows changes', async () => {
  await using server = await startInstituteServer({
    mailboxes: ['bob@inst.example'],
    replies: {
      'full@inst.example': '452 4.2.2 Mailbox full',
      'grey@inst.example': ['450 4.7.1 Greylisted', '250 2.1.5 Ok'],
      'gone@inst.example': '550-5.1.6 Moved\n550 5.1.6 away',
    },
  })
  await using client = await connectAndGreet(server)
  await client.command('RCPT TO:<bob@inst.example>', 503)
  await client.command('MAIL FROM:<a@sender.example>', 250)
  const unknown = await client.command('RCPT TO:<nobody@inst.example>', 550)
  assert.equal(unknown, '550 5.1.1 <nobody@inst.example>: User unknown')
  await client.command('RCPT TO:<full@inst.example>', /^452 4\.2\.2 Mailbox full$/)
  await client.command('RCPT TO:<grey@inst.example>', 450)
  await client.command('RCPT TO:<grey@inst.example>', 250)
  await client.command('RCPT TO:<grey@inst.example>', 250)
  await client.command('RCPT TO:<gone@inst.example>', /^550-5\.1\.6 Moved\n550 5\.1\.6 away$/)
  server.setMailboxes(['nobody@inst.example'])
  server.setScript({ unknownReply: '550 No such user here' })
  await client.command('RCPT TO:<nobody@inst.example>', 250)
  await client.command('RCPT TO:<bob@inst.example>', /^550 No such user here$/)
})

test('answers a pipelined group in one write and says which commands were pipelined', async () => {
  await using server = await startInstituteServer({ mailboxes: ['bob@inst.example'] })
  await using client = await connectAndGreet(server)
  client.forgetChunks()
  await client.send(
    'MAIL FROM:<a@sender.example>\r\nRCPT TO:<bob@inst.example>\r\n' +
      'RCPT TO:<eve@inst.example>\r\nDATA\r\n',
  )
  const replies = await client.readReplies(4)
  assert.deepEqual(
    replies.map((reply) => reply.slice(0, 3)),
    ['250', '250', '550', '354'],
  )
  assert.equal(client.chunks().length, 1)
  await client.send(`${small}.\r\nMAIL FROM:<b@sender.example>\r\nRSET\r\n`)
  assert.deepEqual(
    (await client.readReplies(3)).map((reply) => reply.slice(0, 3)),
    ['250', '250', '250'],
  )
  assert.deepEqual(
    server.connections[0]?.commands.map(({ isPipelined }) => isPipelined),
    [false, false, true, true, true, true, true],
  )
})

test('takes 8 MiB in a moment and without keeping it', async () => {
  const mail = `${`${randomBytes(57).toString('base64')}\r\n`.repeat(110_000)}`
  assert.ok(mail.length > 8 * 1024 ** 2)
  await using server = await startInstituteServer({ keepContent: false })
  await using client = await connectAndGreet(server)
  const startedAt = performance.now()
  assert.match(await sendMail(client, 'bob@inst.example', mail), /^250 /)
  assert.ok(performance.now() - startedAt < 2000)
  const [received] = server.mails
  assert.equal(received?.content, null)
  assert.equal(received.wire, null)
  assert.equal(received.sizeBytes, mail.length)
  assert.equal(received.sha256, createHash('sha256').update(mail).digest('hex'))
})

test('enforces SIZE at MAIL and at the end of the content', async () => {
  await using server = await startInstituteServer({ extensions: { sizeBytes: 1000 } })
  await using client = await connectAndGreet(server)
  await client.command('MAIL FROM:<a@sender.example> SIZE=1001', 552)
  const reply = await sendMail(client, 'bob@inst.example', 'line\r\n'.repeat(1000))
  assert.match(reply, /^552 5\.3\.4 /)
  assert.match(await sendMail(client, 'bob@inst.example', small), /^250 /)
  assert.equal(server.mails.length, 1)
})

test('offers only what it is told to, and refuses parameters it did not offer', async () => {
  await using server = await startInstituteServer({
    extensions: {
      pipelining: false,
      sizeBytes: null,
      eightBitMime: false,
      smtpUtf8: false,
      enhancedStatusCodes: false,
      others: ['DSN'],
    },
  })
  await using client = await connectRaw({ port: server.port })
  await client.expect(220)
  assert.equal(await client.command('EHLO x', 250), '250-mail.inst.example\n250 DSN')
  await client.command('STARTTLS', 502)
  await client.command('MAIL FROM:<a@b.example> SIZE=1', /^555 Parameter not offered: SIZE$/)
  await client.command('MAIL FROM:<ä@b.example>', 553)
})

test('a filter or a stage reply refuses after DATA; the mail is not among the accepted', async () => {
  await using server = await startInstituteServer({
    filter: ({ headerText }) => (/^Subject: spam/m.test(headerText) ? '554 5.7.1 Spam' : undefined),
  })
  await using client = await connectAndGreet(server)
  const refused = await sendMail(client, 'bob@inst.example', 'Subject: spam\r\n\r\nx\r\n')
  assert.equal(refused, '554 5.7.1 Spam')
  assert.match(await sendMail(client, 'bob@inst.example', small), /^250 /)
  server.setScript({ stageReplies: { final: '451 4.3.0 Try later' } })
  assert.equal(await sendMail(client, 'bob@inst.example', small), '451 4.3.0 Try later')
  assert.deepEqual(
    server.refusedMails.map(({ reply }) => reply),
    ['554 5.7.1 Spam', '451 4.3.0 Try later'],
  )
  assert.equal(server.mails.length, 1)
})

test('delays a stage', async () => {
  await using server = await startInstituteServer({ delayMs: { rcpt: 100 } })
  await using client = await connectAndGreet(server)
  await client.command('MAIL FROM:<a@sender.example>', 250)
  const startedAt = performance.now()
  await client.send('RCPT TO:<a@inst.example>\r\nRCPT TO:<b@inst.example>\r\n')
  await client.readReplies(2)
  assert.ok(performance.now() - startedAt >= 195)
})

test('limits: mails of a connection, connections, silence', async () => {
  await using server = await startInstituteServer({
    limits: { mailsPerConnection: 1, connections: 1, idleMs: 300 },
  })
  await using client = await connectAndGreet(server)
  await using second = await connectRaw({ port: server.port })
  await second.expect(421)
  await second.closed()
  await sendMail(client, 'bob@inst.example', small)
  await client.command('MAIL FROM:<a@sender.example>', 421)
  await client.closed()
  await client[Symbol.asyncDispose]()
  await second[Symbol.asyncDispose]()
  while (server.counts.current > 0) await new Promise((resolve) => setTimeout(resolve, 5))
  await using third = await connectAndGreet(server)
  await third.expect(/^421 4\.4\.2/)
  await third.closed()
  assert.deepEqual(server.counts, { current: 1, peak: 2, total: 3 })
})

test('pause closes the port and cuts connections, resume opens the same port', async () => {
  await using server = await startInstituteServer()
  const { port } = server
  await using client = await connectAndGreet(server)
  await server.pause()
  await client.closed()
  await assert.rejects(connectRaw({ port }), { code: 'ECONNREFUSED' })
  await server.resume()
  assert.equal(server.port, port)
  await using again = await connectAndGreet(server)
  await server.pause('keep')
  await assert.rejects(connectRaw({ port }), { code: 'ECONNREFUSED' })
  assert.match(await sendMail(again, 'bob@inst.example', small), /^250 /)
})

test('close does not wait for a filter that hangs, and takes no mail from it', async () => {
  await using server = await startInstituteServer({ filter: () => new Promise(() => undefined) })
  await using client = await connectAndGreet(server)
  await client.command('MAIL FROM:<a@sender.example>', 250)
  await client.command('RCPT TO:<bob@inst.example>', 250)
  await client.command('DATA', 354)
  await client.send(`${small}.\r\n`)
  await client.silent(50)
  await server.close()
  await client.closed()
  assert.equal(server.mails.length, 0)
})

test('a filter that throws is among the failures', async () => {
  await using server = await startInstituteServer({
    filter: () => {
      throw new Error('planted')
    },
  })
  await using client = await connectAndGreet(server)
  await assert.rejects(sendMail(client, 'bob@inst.example', small), /the connection ended/)
  assert.match(String(server.failures[0]), /planted/)
})

test('eight mails of 50 MiB at once', async () => {
  await using server = await startInstituteServer({ keepContent: false })
  const piece = Buffer.from(`${'x'.repeat(62)}\r\n`.repeat(1024)) // 64 KiB
  const wanted = createHash('sha256')
  for (let index = 0; index < 800; index += 1) wanted.update(piece)
  const sha256 = wanted.digest('hex')
  const deliver = async (): Promise<void> => {
    await using client = await connectAndGreet(server)
    await client.command('MAIL FROM:<a@sender.example>', 250)
    await client.command('RCPT TO:<bob@inst.example>', 250)
    await client.command('DATA', 354)
    for (let index = 0; index < 800; index += 1) await client.sendBytes(piece)
    await client.send('.\r\n')
    await client.expect(250)
  }
  await Promise.all(Array.from({ length: 8 }, deliver))
  assert.deepEqual(
    server.mails.map((mail) => mail.sha256),
    Array.from({ length: 8 }, () => sha256),
  )
  assert.equal(server.counts.peak, 8)
})
