// A browser or a proxy that is made to speak to port 25: its request is not SMTP, and what an attacker has put
// into it as a second language is not listened to.

import { after, before, beforeEach, test } from 'node:test'
import { connectRaw } from '../support/raw-client.ts'
import {
  assertOnlyNextIsServed,
  openProtocolSite,
  openTransaction,
  type ProtocolSite,
} from './support/protocol-site.ts'

let site: ProtocolSite
before(async () => (site = await openProtocolSite()))
beforeEach(() => site.institute.clear())
after(() => site[Symbol.asyncDispose]())

const mail =
  'EHLO evil.example\r\nMAIL FROM:<ceo@bank.example>\r\nRCPT TO:<a@inst.example>\r\nDATA\r\nSubject: evil\r\n\r\n.\r\nQUIT\r\n'

async function assertEnds(text: string): Promise<void> {
  await using client = await connectRaw({ port: site.relay.port })
  await client.expect(220)
  await client.send(text)
  await client.expect(/^421 4\.7\.0 /)
  await client.closed()
}

test('GET ends the session with one reply', async () => {
  await assertEnds('GET / HTTP/1.1\r\nHost: relay.example\r\n\r\n')
  await assertOnlyNextIsServed(site, 0)
})

test('POST with a mail in its body delivers none', async () => {
  for (const method of ['POST', 'PUT', 'post', 'OPTIONS', 'DELETE']) {
    await assertEnds(`${method} / HTTP/1.1\r\nContent-Length: ${mail.length}\r\n\r\n${mail}`)
  }
  await assertOnlyNextIsServed(site, 0)
})

test('CONNECT opens no tunnel', async () => {
  await assertEnds(`CONNECT mail.bank.example:25 HTTP/1.1\r\n\r\n${mail}`)
  await assertOnlyNextIsServed(site, 0)
})

test('lines that end in LF alone are no better', async () => {
  await assertEnds(`GET / HTTP/1.1\n${mail}`)
  await assertOnlyNextIsServed(site, 0)
})

test('a TLS or binary greeting ends the session, whatever is hidden in it', async () => {
  for (const greeting of [
    '\u0016\u0003\u0001\u0002\0',
    '\0\0\0\u0010SMB',
    '\u0003\0\0\u0013',
    '{"a":1}',
  ]) {
    await assertEnds(`${greeting}\r\n${mail}`)
  }
  await assertOnlyNextIsServed(site, 0)
})

test('header fields where commands belong are no content and no commands', async () => {
  const client = await openTransaction(site.relay)
  await client.send(`Subject: x\r\nTo: a@inst.example\r\n\r\n${mail}`)
  await client.expect(/^421 4\.7\.0 /)
  await client.closed()
  await site.relay.waitForEvent(({ line }) => line === 'Subject: x')
  await assertOnlyNextIsServed(site, 0)
})
