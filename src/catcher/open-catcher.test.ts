// The catcher on a real socket: whom it takes mail for, what it keeps, and that it keeps it before it says yes.

import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { connectRaw, type RawClient } from '../../test/support/raw-client.ts'
import { startTestCatcher, tokenOf } from '../../test/support/test-catcher.ts'
import type { Catching } from '#compliance/compliance.ts'
import { keptMs, maxMailsPerToken, maxOthersPerToken, type Returned } from './catcher.ts'
import { openCatchStore } from './store.ts'

const use = { check: 'data-clean', purpose: 'mail', recipient: 'anna@inst.example' } as const
const report =
  'Subject: Undelivered\r\nContent-Type: multipart/report; report-type=delivery-status; boundary=b\r\n\r\n--b\r\n' +
  'Content-Type: message/delivery-status\r\n\r\nReporting-MTA: dns; m\r\n\r\nAction: failed\r\nStatus: 5.1.1\r\n\r\n--b--\r\n'

async function open({ port }: { readonly port: number }): Promise<RawClient> {
  const client = await connectRaw({ port })
  await client.expect(220)
  await client.command('EHLO mail.inst.example', 250)
  return client
}

async function sendTo(client: RawClient, to: string, content: string, from = ''): Promise<string> {
  await client.command(`MAIL FROM:<${from}>`, 250)
  await client.command(`RCPT TO:<${to}>`, 250)
  await client.command('DATA', 354)
  await client.send(`${content}.\r\n`)
  return await client.expect()
}

/** What has come back to that sender. Waits until there are so many: a session tells how it ended when it has. */
async function returned(
  run: Catching,
  sender: string,
  count: number,
): Promise<readonly Returned[]> {
  for (let tries = 0; ; tries += 1) {
    const token = run.look().tokens.find((each) => each.token === tokenOf(sender))
    const found = token?.returns.map((each) => each.returned) ?? []
    if (found.length >= count || tries === 200) return found
    await sleep(25)
  }
}

describe('recipients', () => {
  test('are live tokens of its domain, in whatever case, and nobody else', async () => {
    let nowMs = Date.now()
    await using catcher = await startTestCatcher(() => nowMs)
    const run = catcher.beginRun()
    const sender = run.issue(use)
    await using client = await open(catcher)
    await client.command('MAIL FROM:<>', 250)
    await client.command(`RCPT TO:<${sender}>`, 250)
    await client.command(`RCPT TO:<${sender.toUpperCase()}>`, 250)
    const others = [
      'postmaster@probe.example.org',
      'b-aaaaaaaaaaaaaaaaaaaaaaaaaa@probe.example.org',
      sender.replace('probe.', 'other.'),
      'postmaster',
    ]
    for (const other of others) {
      assert.match(await client.command(`RCPT TO:<${other}>`), /^550 5\.1\.1/, other)
    }
    await client.command('RSET', 250)
    nowMs += keptMs + 1
    await client.command('MAIL FROM:<>', 250)
    assert.match(await client.command(`RCPT TO:<${sender}>`), /^550 5\.1\.1/, 'six days later')
  })

  test('a store that cannot be read is a temporary failure', async () => {
    await using catcher = await startTestCatcher()
    const sender = catcher.beginRun().issue(use)
    await using client = await open(catcher)
    await client.command('MAIL FROM:<>', 250)
    catcher.store.close()
    assert.match(await client.command(`RCPT TO:<${sender}>`), /^452 /)
    assert.equal(catcher.events[0]?.kind, 'catcher-failed')
  })
})

describe('what comes back', () => {
  test('is kept, and on the disk, before the client has its 250', async () => {
    await using catcher = await startTestCatcher()
    const run = catcher.beginRun()
    const sender = run.issue(use)
    await using client = await open(catcher)
    assert.match(await sendTo(client, sender, report), /^250 /)
    // Another process sees it.
    const other = openCatchStore(catcher.folder)
    const token = other.run(run.run, Date.now())?.tokens[0]
    other.close()
    assert.equal(token?.returns.length, 1)
    const [found] = token.returns
    assert.equal(found?.greeting, 'mail.inst.example')
    assert.equal(found.returnPath, '')
    assert.ok(found.returned.kind === 'report' && found.returned.action === 'failed')
    const [event] = catcher.events
    assert.ok(event?.kind === 'return-caught' && event.check === 'data-clean')
  })

  test('goes to each of several senders, and a second mail of the session to its own', async () => {
    await using catcher = await startTestCatcher()
    const run = catcher.beginRun()
    const [one, two] = [run.issue(use), run.issue(use)]
    await using client = await open(catcher)
    await client.send(
      `MAIL FROM:<>\r\nRCPT TO:<${one}>\r\nRCPT TO:<${two}>\r\nDATA\r\n`, // pipelined
    )
    for (const code of [250, 250, 250, 354]) await client.expect(code)
    await client.send(`${report}.\r\n`)
    await client.expect(250)
    await sendTo(client, two, 'Subject: Re: hello\r\n\r\nx\r\n', 'anna@inst.example')
    assert.deepEqual(
      (await returned(run, one, 1)).map(({ kind }) => kind),
      ['report'],
    )
    assert.deepEqual(
      (await returned(run, two, 2)).map(({ kind }) => kind),
      ['report', 'mail'],
    )
  })

  for (const [name, leave] of [
    ['QUIT', async (client: RawClient) => void (await client.command('QUIT', 221))],
    ['RSET', async (client: RawClient) => void (await client.command('RSET', 250))],
    ['hanging up', async (client: RawClient) => await client[Symbol.asyncDispose]()],
  ] as const) {
    test(`a callback: RCPT and then ${name}`, async () => {
      await using catcher = await startTestCatcher()
      const run = catcher.beginRun()
      const sender = run.issue({ ...use, purpose: 'question' })
      await using client = await open(catcher)
      await client.command('MAIL FROM:<>', 250)
      await client.command(`RCPT TO:<${sender}>`, 250)
      await leave(client)
      assert.deepEqual(await returned(run, sender, 1), [{ kind: 'callback' }])
    })
  }

  test('a mail that breaks off is told as such, and is not a report', async () => {
    await using catcher = await startTestCatcher()
    const run = catcher.beginRun()
    const sender = run.issue(use)
    {
      await using client = await open(catcher)
      await client.command('MAIL FROM:<>', 250)
      await client.command(`RCPT TO:<${sender}>`, 250)
      await client.command('DATA', 354)
      await client.send(report)
    }
    const [found] = await returned(run, sender, 1)
    assert.equal(found?.kind, 'broken-off')
  })

  test('of a large mail the beginning is looked at, and all of it is taken', async () => {
    await using catcher = await startTestCatcher()
    const run = catcher.beginRun()
    const sender = run.issue(use)
    await using client = await open(catcher)
    const line = `${'x'.repeat(74)}\r\n`
    assert.match(await sendTo(client, sender, report + line.repeat(60_000)), /^250 /)
    const [found] = run.look().tokens[0]?.returns ?? []
    assert.equal(found?.returned.kind, 'report')
    assert.equal(found.sizeBytes, report.length + line.length * 60_000 + 3)
  })

  test('is counted: callbacks without end leave room for mails, and mails have an end', async () => {
    await using catcher = await startTestCatcher()
    const run = catcher.beginRun()
    const sender = run.issue(use)
    await using client = await open(catcher)
    for (let count = 0; count < maxOthersPerToken + 3; count += 1) {
      await client.command('MAIL FROM:<>', 250)
      await client.command(`RCPT TO:<${sender}>`, 250)
      await client.command('RSET', 250)
    }
    for (let count = 0; count < maxMailsPerToken; count += 1) await sendTo(client, sender, report)
    await client.command('MAIL FROM:<>', 250)
    assert.match(await client.command(`RCPT TO:<${sender}>`), /^550 /)
    assert.equal(run.look().tokens[0]?.returns.length, maxOthersPerToken + maxMailsPerToken)
  })
})

describe('hostile clients', () => {
  test('are a session each, and one too many is told so', async () => {
    await using catcher = await startTestCatcher()
    const clients = await Promise.all(Array.from({ length: 50 }, () => open(catcher)))
    const late = await connectRaw({ port: catcher.port })
    assert.match(await late.expect(), /^421 4\.7\.0 /)
    await Promise.all([late, ...clients].map((each) => each[Symbol.asyncDispose]()))
  })
  test('get no TLS, no chunks, no relaying; what is no SMTP ends the session', async () => {
    await using catcher = await startTestCatcher()
    const sender = catcher.beginRun().issue(use)
    await using client = await open(catcher)
    assert.match(await client.command('STARTTLS'), /^5/)
    await client.command('MAIL FROM:<>', 250)
    assert.match(await client.command('RCPT TO:<victim@elsewhere.example>'), /^550 /)
    await client.command(`RCPT TO:<${sender}>`, 250)
    assert.match(await client.command('BDAT 5 LAST'), /^5/)
    await using other = await open(catcher)
    await other.command('GET / HTTP/1.1', 421)
    await other.closed()
  })
})

test('six days later everything of the run is gone from the file', async () => {
  let nowMs = Date.now()
  await using catcher = await startTestCatcher(() => nowMs)
  const run = catcher.beginRun()
  const sender = run.issue(use)
  await using client = await open(catcher)
  await sendTo(client, sender, report)
  assert.equal(catcher.store.runs(nowMs).length, 1)
  nowMs += keptMs + 1
  catcher.store.purge(nowMs)
  assert.equal(catcher.store.run(run.run, nowMs - keptMs), null)
})
