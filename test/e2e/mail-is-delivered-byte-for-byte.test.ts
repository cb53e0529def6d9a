import assert from 'node:assert/strict'
import { after, before, beforeEach, test } from 'node:test'
import { startInstituteServer, type InstituteServer } from '../../demo/institute-server.ts'
import { startRelay, type TestRelay } from '../support/relay.ts'
import { splitTrace } from '../support/trace-fields.ts'
import { endpointOf, openSession, plainContent, sendMail, sendOneMail } from './support/mail.ts'

let institute: InstituteServer
let relay: TestRelay

before(async () => {
  institute = await startInstituteServer({ mailboxes: ['a@inst.example', 'b@inst.example'] })
  relay = await startRelay({ domains: [{ domain: 'inst.example', to: endpointOf(institute) }] })
})
beforeEach(() => institute.clear())
after(async () => {
  await relay[Symbol.asyncDispose]()
  await institute.close()
})

/** What the institute got: the trace fields the relay put in front, and the rest in wire form. */
function received(index = 0): {
  readonly wayOut: string
  readonly trace: string
  readonly rest: string
} {
  const wire = institute.mails[index]?.wire?.toString('latin1') ?? ''
  const { wayOut, received: trace, rest } = splitTrace(wire)
  return { wayOut, trace, rest }
}

test('a mail arrives as it was sent, with two trace fields in front', async () => {
  const sent = await sendOneMail(relay, { to: 'a@inst.example' })
  assert.match(sent.final ?? '', /^250 2\.0\.0 Ok: \S+\.1 127\.0\.0\.1 says: 250 2\.0\.0 Ok/)
  const [mail] = institute.mails
  assert.equal(institute.mails.length, 1)
  assert.equal(mail?.reversePath, 's@sender.example')
  assert.deepEqual(mail?.recipients, ['a@inst.example'])
  const { wayOut, trace, rest } = received()
  assert.equal(rest, `${plainContent}.\r\n`)
  assert.equal(
    wayOut,
    'Pforte-TLS: mailrelay1.example.org;\r\n\tserver=127.0.0.1; policy=opportunistic;\r\n' +
      '\tresult=clear;\r\n\treason="STARTTLS is not offered"\r\n',
  )
  const id = /^250 2\.0\.0 Ok: (\S+) /.exec(sent.final ?? '')?.[1] ?? 'none'
  const lines = trace.split('\r\n')
  assert.equal(lines[0], 'Received: from client.example ([127.0.0.1])')
  assert.equal(lines[1], `\tby mailrelay1.example.org (Pforte) with ESMTP id ${id}`)
  assert.equal(lines[2], '\tfor <a@inst.example>;')
  assert.match(lines[3] ?? '', /^\t\w{3}, \d{1,2} \w{3} \d{4} \d\d:\d\d:\d\d \+0000$/)
  assert.equal(lines.length, 5)
  assert.doesNotMatch(trace, /tls/)
})

test('several recipients are not told of each other', async () => {
  const sent = await sendOneMail(relay, { to: ['a@inst.example', 'b@inst.example'] })
  assert.match(sent.final ?? '', /^250 /)
  assert.deepEqual(institute.mails[0]?.recipients, ['a@inst.example', 'b@inst.example'])
  assert.doesNotMatch(received().trace, /for </)
  assert.doesNotMatch(received().trace, /@inst/)
})

test('HELO, a null reverse-path and 8-bit content', async () => {
  await using client = await openSession(relay)
  await client.command('HELO old.example', 250)
  const content = Buffer.from('Subject: x\r\n\r\n\u00e4\u00f6\u00fc\u0000 and 8-bit\r\n', 'latin1')
  const sent = await sendMail(client, { from: '', to: 'a@inst.example', content })
  assert.match(sent.final ?? '', /^250 /)
  assert.match(received().trace, /^Received: from old\.example .* with SMTP id /s)
  assert.equal(institute.mails[0]?.reversePath, '')
  assert.equal(received().rest, `${content.toString('latin1')}.\r\n`)
})

test('an empty mail, a mail without a body and a mail of dots', async () => {
  await using client = await openSession(relay)
  for (const content of ['', 'Subject: no body\r\n', '..\r\n...\r\n..a\r\n', '\r\n..\r\n']) {
    const sent = await sendMail(client, { to: 'a@inst.example', content })
    assert.match(sent.final ?? '', /^250 /, JSON.stringify(content))
    assert.equal(received(institute.mails.length - 1).rest, `${content}.\r\n`)
  }
  assert.equal(institute.mails.length, 4)
})

test('the content arrives whole wherever the packets are cut', async () => {
  await using client = await openSession(relay)
  await client.command('MAIL FROM:<s@sender.example>', 250)
  await client.command('RCPT TO:<a@inst.example>', 250)
  await client.command('DATA', 354)
  for (const byte of Buffer.from('Subject: x\r\n\r\n..a\r\n.b\r\n\r\n.\r\n')) {
    await client.sendBytes(Buffer.of(byte))
    await new Promise((resolve) => setTimeout(resolve, 1))
  }
  await client.expect(250)
  assert.equal(received().rest, 'Subject: x\r\n\r\n..a\r\n.b\r\n\r\n.\r\n')
  assert.equal(institute.mails.length, 1)
})

test('results forged in the relay’s name are removed, all else is kept', async () => {
  const forged = 'Authentication-Results: mailrelay1.example.org;\r\n\tspf=pass smtp.mailfrom=x\r\n'
  const kept = 'Authentication-Results: other.example; spf=pass\r\n'
  const content = `X-First: 1\r\n${forged}${kept}authentication-results: MAILRELAY1.example.org 1; none\r\nSubject: x\r\n\r\n${forged}`
  const sent = await sendOneMail(relay, { to: 'a@inst.example', content })
  assert.match(sent.final ?? '', /^250 /)
  assert.equal(received().rest, `X-First: 1\r\n${kept}Subject: x\r\n\r\n${forged}.\r\n`)
})

test('one id leads from the reply to the trace field and to the log', async () => {
  const sent = await sendOneMail(relay, { to: 'a@inst.example' })
  const id = /^250 2\.0\.0 Ok: (\S+) /.exec(sent.final ?? '')?.[1] ?? 'none'
  assert.ok(received().trace.includes(`id ${id}\r\n`))
  const finished = await relay.waitForEvent((event) => event['mail'] === id)
  assert.ok(id.startsWith(`${String(finished['session'])}.`))
  const session = String(finished['session'])
  await relay.waitForEvent(
    (event) => event['event'] === 'session-closed' && event['session'] === session,
  )
  const kinds = relay.events().filter((event) => event['session'] === session)
  assert.deepEqual(
    kinds.map((event) => event['event']),
    ['session-opened', 'greeted', 'recipient-judged', 'mail-finished', 'session-closed'],
  )
})

test('the same mail sent again is another mail', async () => {
  await sendOneMail(relay, { to: 'a@inst.example' })
  await sendOneMail(relay, { to: 'a@inst.example' })
  assert.equal(institute.mails.length, 2)
})
