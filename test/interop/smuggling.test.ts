// SMTP smuggling past the relay into real servers: whatever each of them takes for the end of data, it gets one mail
// for each that was sent, and nothing of what was hidden in it.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { openSession } from '../e2e/support/mail.ts'
import type { RawClient } from '../support/raw-client.ts'
import { startRelay, type TestRelay } from '../support/relay.ts'
import type { InstituteServer } from './support/institute.ts'
import { domain, institutes } from './support/matrix.ts'
import { findPrograms, prefixOf, skipReason } from './support/programs.ts'

const programs = findPrograms('postfix', 'exim', 'opensmtpd')

const lineEnds = ['\r', '\n', '\r\n', '\n\r', '\r\r\n', '\0\r\n', '\r\0\n', '\r\n\0', '']
const falseEnds = lineEnds
  .flatMap((first) => lineEnds.map((second) => `${first}.${second}`))
  .filter((end) => !end.includes('\r\n.\r\n'))

const hidden = `MAIL FROM:<ceo@bank.example>\r\nRCPT TO:<b@${domain}>\r\nDATA\r\nSubject: evil\r\n\r\nx\r\n`
const visible = 'From: a@sender.example\r\nSubject: visible\r\n\r\nvisible'

interface Smuggled {
  readonly from: string
  readonly end: string
  readonly reply: string
}

/** Behind DATA the hidden commands end in a true end; as chunks nothing ends but the last chunk. */
function contentOf(how: 'DATA' | 'BDAT', end: string): Buffer {
  const text = `${visible}${end}${hidden}`
  if (how === 'DATA') return Buffer.from(`${text}.\r\n`, 'latin1')
  const octets = Buffer.from(`${text}.\r\nQUIT\r\n`, 'latin1')
  const half = octets.length >> 1
  return Buffer.concat([
    Buffer.from(`BDAT ${half}\r\n`),
    octets.subarray(0, half),
    Buffer.from(`BDAT ${octets.length - half} LAST\r\n`),
    octets.subarray(half),
  ])
}

async function smuggle(
  client: RawClient,
  how: 'DATA' | 'BDAT',
  from: string,
  end: string,
): Promise<Smuggled> {
  await client.command(`MAIL FROM:<${from}>`, 250)
  await client.command(`RCPT TO:<a@${domain}>`, 250)
  if (how === 'DATA') await client.command('DATA', 354)
  await client.sendBytes(contentOf(how, end))
  if (how === 'BDAT') await client.expect()
  return { from, end, reply: await client.expect(undefined, 30_000) }
}

/** All of them in one session: a hidden mail that is carried out would shift the replies. */
async function smuggleAll(
  relay: TestRelay,
  how: 'DATA' | 'BDAT',
  mark: string,
): Promise<readonly Smuggled[]> {
  const ends = how === 'DATA' ? falseEnds : [...falseEnds, '\r\n.\r\n', '\n.\r\n.\r\n']
  const client = await openSession(relay)
  const all: Smuggled[] = []
  for (const [index, end] of ends.entries()) {
    all.push(await smuggle(client, how, `${mark}.${how.toLowerCase()}${index}@sender.example`, end))
  }
  await client.command('QUIT', 221)
  await client.closed()
  return all
}

function isBare(text: string): boolean {
  return /\r(?!\n)|(?<!\r)\n/.test(text)
}

async function assertNothingHidden(
  institute: InstituteServer,
  all: readonly Smuggled[],
): Promise<void> {
  const taken = all.filter(({ reply }) => reply.startsWith('250'))
  const senders = new Set(all.map(({ from }) => from))
  const arrived = await institute.waitForMails(taken.length, 60_000, ({ reversePath }) =>
    senders.has(reversePath),
  )
  assert.deepEqual(
    arrived.map(({ reversePath }) => reversePath).toSorted(),
    taken.map(({ from }) => from).toSorted(),
  )
  // A hidden mail would have come before the one that was sent last.
  const strange = institute.received().filter(({ reversePath }) => !senders.has(reversePath))
  assert.deepEqual(strange, [])
  assert.ok(institute.received().every(({ mailbox }) => mailbox === 'a'))
}

for (const { name, start } of institutes) {
  const skip = skipReason(programs, name)

  test(`smuggling past the relay into ${name}`, { skip, timeout: 300_000 }, async (t) => {
    const open = (): Promise<InstituteServer> =>
      start(prefixOf(programs, name), { domain, mailboxes: ['a', 'b'] })

    await t.test('bare newlines normalised: one mail for each', async () => {
      await using institute = await open()
      await using relay = await startRelay({
        domains: [{ domain, to: `127.0.0.1:${institute.port}` }],
        config: { smtp: { bareNewlines: 'normalize' }, limits: { maxTransactions: 10_000 } },
      })
      const all = [
        ...(await smuggleAll(relay, 'DATA', 'n')),
        ...(await smuggleAll(relay, 'BDAT', 'n')),
      ]
      // A server may refuse NUL; everything else is mail.
      for (const { end, reply } of all) {
        if (!end.includes('\0')) assert.match(reply, /^250 /, JSON.stringify(end))
      }
      await assertNothingHidden(institute, all)
    })

    await t.test('bare newlines refused: one mail for each that has none', async () => {
      await using institute = await open()
      await using relay = await startRelay({
        domains: [{ domain, to: `127.0.0.1:${institute.port}` }],
        config: { limits: { maxTransactions: 10_000, maxErrors: 1000 } },
      })
      const all = [
        ...(await smuggleAll(relay, 'DATA', 'r')),
        ...(await smuggleAll(relay, 'BDAT', 'r')),
      ]
      for (const { end, reply } of all) {
        if (isBare(`x${end}M`)) {
          // Of chunks the first half is refused, and the rest of that mail dropped.
          assert.match(reply, /^(?:550 5\.5\.2|554 5\.5\.1) /, JSON.stringify(end))
        } else if (!end.includes('\0')) assert.match(reply, /^250 /, JSON.stringify(end))
      }
      await assertNothingHidden(institute, all)
    })
  })
}
