// NUL, control characters, and eight bits where SMTPUTF8 was not asked for: in a command they make it none; nothing
// of them reaches the institute.

import assert from 'node:assert/strict'
import { after, before, beforeEach, test } from 'node:test'
import { connectRaw } from '../support/raw-client.ts'
import { openSession } from '../e2e/support/mail.ts'
import {
  assertOnlyNextIsServed,
  lastWire,
  openProtocolSite,
  openTransaction,
  type ProtocolSite,
} from './support/protocol-site.ts'

let site: ProtocolSite
before(async () => (site = await openProtocolSite({ limits: { maxErrors: 1000 } })))
beforeEach(() => site.institute.clear())
after(() => site[Symbol.asyncDispose]())

function assertInstituteSawOnly(pattern: RegExp): void {
  for (const text of site.institute.commandTexts) assert.match(text, pattern)
}

test('a NUL anywhere in a command makes it none: it is not cut off there', async () => {
  await using client = await openSession(site.relay)
  for (const line of [
    'MAIL FROM:<s@sender.example>\0',
    'MAIL FROM:<s@sender.example\0@bank.example>',
    'MA\0IL FROM:<s@sender.example>',
    'NOOP\0',
  ]) {
    await client.command(line, /^500 5\.5\.2 /)
  }
  await client.command('MAIL FROM:<s@sender.example>', 250)
  for (const line of ['RCPT TO:<a@inst.example\0.bank.example>', 'RCPT TO:<a\0b@inst.example>']) {
    await client.command(line, /^500 5\.5\.2 /)
  }
  await client.command('DATA', 554)
  assert.deepEqual(site.institute.commandTexts, [])
  await assertOnlyNextIsServed(site, 0)
})

test('control characters in a path are refused', async () => {
  await using client = await openSession(site.relay)
  await client.command('MAIL FROM:<s@sender.example>', 250)
  const controls = [
    '\u0001',
    '\u0007',
    '\b',
    '\t',
    '\u000b',
    '\u001b',
    '\u007f',
    '\u0085',
    '\u009b',
  ]
  for (const control of controls) {
    await client.command(`RCPT TO:<a${control}b@inst.example>`, /^5\d\d 5\./)
    await client.command(`RCPT TO:<"a${control}b"@inst.example>`, /^5\d\d 5\./)
    await client.command(`RCPT TO:<a@inst${control}.example>`, /^5\d\d 5\./)
  }
  assert.deepEqual(site.institute.commandTexts, [])
  await assertOnlyNextIsServed(site, 0)
})

test('eight bits in the envelope without SMTPUTF8 are refused, in UTF-8 and in anything else', async () => {
  await using client = await openSession(site.relay)
  for (const line of ['MAIL FROM:<\u00fc@sender.example>', 'MAIL FROM:<s@m\u00fcnchen.example>']) {
    await client.command(line, /^553 5\.6\.7 /)
  }
  await client.command('MAIL FROM:<s@sender.example>', 250)
  await client.command('RCPT TO:<j\u00fcrgen@inst.example>', /^553 5\.6\.7 /)
  for (const bytes of [
    'RCPT TO:<j\xfcrgen@inst.example>\r\n',
    'RCPT TO:<a@inst.example>\xff\r\n',
  ]) {
    await client.sendBytes(Buffer.from(bytes, 'latin1'))
    await client.expect(/^500 5\.5\.2 /)
  }
  await client.sendBytes(Buffer.from('RCPT TO:<a\xc0\xaeb@inst.example>\r\n', 'latin1')) // overlong "."
  await client.expect(/^500 5\.5\.2 /)
  await client.command('DATA', 554)
  assert.deepEqual(site.institute.commandTexts, [])
  await assertOnlyNextIsServed(site, 0)
})

test('a greeting with eight bits or controls does not get into the trace field', async () => {
  for (const name of ['a\u202eb', '\u00fc.example', 'x(comment)y', 'a;b', '[\u00e4]']) {
    await using client = await connectRaw({ port: site.relay.port })
    await client.expect(220)
    await client.command(`EHLO ${name}`, 250)
    await client.command('MAIL FROM:<s@sender.example>', 250)
    await client.command('RCPT TO:<a@inst.example>', 250)
    await client.command('DATA', 354)
    await client.send('Subject: x\r\n\r\n.\r\n')
    await client.expect(/^250 /)
    const wire = site.institute.mails.at(-1)?.wire?.toString('latin1') ?? ''
    assert.match(wire, /^Received: from invalid\.name \([\w?.-]+\) \(\[127\.0\.0\.1\]\)\r\n/m)
    assert.match(wire, /^[\t\r\n -~]*$/)
  }
  for (const name of ['a\u0007b', 'a\u001b[2Jb', 'two words', 'a\u0085b']) {
    await using client = await connectRaw({ port: site.relay.port })
    await client.expect(220)
    await client.command(`EHLO ${name}`, /^501 5\.5\.4 /)
  }
  assertInstituteSawOnly(/^[ -~]*$/)
})

test('NUL and eight bits in content are content, to the byte', async () => {
  await using client = await openTransaction(site.relay)
  await client.command('DATA', 354)
  const content = 'Subject: x\r\n\r\n\0\0\xff\x80\x9b31m\u0001\u0007\r\n\0.\r\n.\0\r\n'
  await client.sendBytes(Buffer.from(`${content}.\r\n`, 'latin1'))
  await client.expect(/^250 /)
  assert.equal(lastWire(site.institute), `${content}.\r\n`)
  await assertOnlyNextIsServed(site, 1)
})
