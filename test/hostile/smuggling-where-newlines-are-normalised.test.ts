// With `smtp.bareNewlines: normalize` (as in Postfix 3.9) sloppy mail is taken, and smuggling still ends
// nowhere: what the institute gets has CR LF at every line end and one end.

import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { expectedOfChunks, expectedOfData } from '../support/content-oracle.ts'
import {
  bdat,
  lastWire,
  openProtocolSite,
  openTransaction,
  type ProtocolSite,
} from './support/protocol-site.ts'

let site: ProtocolSite
before(async () => (site = await openProtocolSite({ smtp: { bareNewlines: 'normalize' } })))
after(() => site[Symbol.asyncDispose]())

const hidden = 'MAIL FROM:<ceo@bank.example>\r\nRCPT TO:<b@inst.example>\r\nDATA\r\nhidden\r\n'
const falseEnds = [
  '\n.\n',
  '\n.\r\n',
  '\r\n.\n',
  '\r.\r',
  '\r\r\n.\r\r\n',
  '\n\r.\n\r',
  '\r\n.\r',
  '\n\n.\n\n',
]

function assertOneMail(wanted: string): void {
  const { institute } = site
  assert.equal(lastWire(institute), wanted)
  assert.doesNotMatch(wanted, /\r(?!\n)|(?<!\r)\n/)
  assert.equal(`\r\n${wanted}`.indexOf('\r\n.\r\n'), wanted.length - 3)
  assert.deepEqual(institute.mails.at(-1)?.recipients, ['a@inst.example'])
  assert.ok(institute.commandTexts.every((text) => !text.includes('bank.example')))
}

test('DATA: what looked like an end is a line with a dot, the mail ends at its true end', async () => {
  for (const end of falseEnds) {
    for (const pieceBytes of [Infinity, 1]) {
      await using client = await openTransaction(site.relay)
      await client.command('DATA', 354)
      const stream = `Subject: x\r\n\r\nvisible${end}${hidden}.\r\n`
      const bytes = Buffer.from(stream)
      for (let offset = 0; offset < bytes.length; offset += pieceBytes) {
        await client.sendBytes(bytes.subarray(offset, offset + pieceBytes))
      }
      await client.expect(/^250 /)
      assertOneMail(expectedOfData(stream, true)?.wire ?? '')
    }
  }
  assert.equal(site.institute.mails.length, 2 * falseEnds.length)
})

test('BDAT: the same, in one chunk and in chunks of one octet', async () => {
  for (const end of falseEnds) {
    const octets = `Subject: x\r\n\r\nvisible${end}${hidden}`
    const wanted = expectedOfChunks(octets, true).wire
    await using whole = await openTransaction(site.relay)
    await whole.send(bdat(octets, 'LAST'))
    await whole.expect(/^250 /)
    assertOneMail(wanted)
    await using single = await openTransaction(site.relay)
    await single.send(`${octets.replaceAll(/[^]/g, (octet) => bdat(octet))}BDAT 0 LAST\r\n`)
    const replies = await single.readReplies(octets.length + 1)
    assert.match(replies.at(-1) ?? '', /^250 .* says: /)
    assertOneMail(wanted)
  }
})

test('a header section of LF alone is a header section: loops and forged results are found', async () => {
  await using client = await openTransaction(site.relay)
  await client.command('DATA', 354)
  const forged = 'Authentication-Results: mailrelay1.example.org; spf=pass\n'
  await client.send(`Subject: x\n${forged}\nbody\n\r\n.\r\n`)
  await client.expect(/^250 /)
  assert.equal(lastWire(site.institute), 'Subject: x\r\n\r\nbody\r\n\r\n.\r\n')
  await client.command('MAIL FROM:<s@sender.example>', 250)
  await client.command('RCPT TO:<a@inst.example>', 250)
  await client.send(bdat(`${'Received: by x\n'.repeat(50)}\nround\n`, 'LAST'))
  await client.expect(/^554 5\.4\.6 /)
})

test('commands are not normalised: a LF alone is no command', async () => {
  await using client = await openTransaction(site.relay)
  await client.send('NOOP\n')
  await client.expect(/^500 5\.5\.2 /)
  await client.send('RSET\nMAIL FROM:<x@sender.example>\r\n')
  await client.expect(/^500 5\.5\.2 /)
  await client.expect(/^503 /)
})
