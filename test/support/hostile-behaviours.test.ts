import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createAuthority, isOpensslAvailable } from './certificates.ts'
import * as hostile from './hostile-behaviours.ts'
import { startScriptedServer, type Script } from './hostile-server.ts'
import { connectRaw, type RawClient } from './raw-client.ts'

const content = 'Subject: x\r\n\r\nx\r\n.\r\n'
const dialog = [
  'EHLO x\r\n',
  'MAIL FROM:<>\r\n',
  'RCPT TO:<bob@inst.example>\r\n',
  'DATA\r\n',
  content,
]

async function withClient(
  script: Script,
  play: (client: RawClient) => Promise<void>,
): Promise<void> {
  await using server = await startScriptedServer(script)
  {
    await using client = await connectRaw({ port: server.port })
    await play(client)
  }
  await server.close()
  assert.deepEqual(server.failures, [])
}

/** The first three characters of all replies to the dialog, one question at a time. */
async function codesOf(client: RawClient): Promise<string[]> {
  const codes = [await client.expect()]
  for (const question of dialog) {
    await client.send(question)
    codes.push(await client.expect())
  }
  return codes.map((reply) => reply.slice(0, 3))
}

test('without an action it takes the mail', () =>
  withClient(hostile.playDialog({}), async (client) => {
    assert.deepEqual(await codesOf(client), ['220', '250', '250', '250', '354', '250'])
    await client.command('RSET', 250)
    await client.command('QUIT', 221)
    await client.closed()
  }))

test('earlyReplies: a trusting client is one reply behind for ever', () =>
  withClient(hostile.earlyReplies(), async (client) => {
    assert.deepEqual(await codesOf(client), ['220', '220', '250', '250', '250', '250'])
  }))

for (const stage of ['ehlo', 'mail', 'rcpt', 'data', 'final'] as const) {
  test(`replyBeforeQuestion ${stage}: a trusting client ends with the early yes`, () =>
    withClient(hostile.replyBeforeQuestion(stage), async (client) => {
      const order = ['banner', 'ehlo', 'mail', 'rcpt', 'data', 'final']
      const codes = await codesOf(client)
      assert.match(codes[order.indexOf(stage)] ?? '', /^(250|354)$/)
      // The truth comes too, to whoever still listens.
      while (!(codes.at(-1) ?? '').startsWith('554') && !codes.includes('554')) {
        codes.push(await client.expect())
      }
    }))
}

test('endlessReply goes on while it is read', () =>
  withClient(hostile.endlessReply('banner'), async (client) => {
    const received = (): number => client.chunks().reduce((sum, { data }) => sum + data.length, 0)
    while (received() < 500_000) await client.expect(250, 20).catch(() => undefined)
  }))

test('endlessLine is a megabyte and no end', () =>
  withClient(hostile.endlessLine('banner'), async (client) => {
    await assert.rejects(client.expect(250, 300), { code: 'DEADLINE' })
    const bytes = client.chunks().reduce((sum, { data }) => sum + data.length, 0)
    assert.equal(bytes, 1_000_004)
  }))

const answers: readonly (readonly [string, Script, RegExp])[] = [
  ['contradictoryCodes', hostile.contradictoryCodes('ehlo'), /^250-Yes\n550 5\.1\.1 No$/],
  ['malformed', hostile.malformed('ehlo'), /^Hello there$/],
  ['codeOutOfRange', hostile.codeOutOfRange('ehlo'), /^650 /],
  ['bareLineFeed', hostile.bareLineFeed('rset'), /^250 2\.0\.0 Ok$/],
  ['dripsAt', hostile.dripsAt('rset', 1), /^250 2\.0\.0 Ok$/],
]

for (const [name, script, wanted] of answers) {
  test(`${name} answers what it says`, () =>
    withClient(script, async (client) => {
      await client.expect(220)
      await client.command(
        name === 'bareLineFeed' || name === 'dripsAt' ? 'RSET' : 'EHLO x',
        wanted,
      )
    }))
}

test('bareLineFeed has no CR', () =>
  withClient(hostile.bareLineFeed('banner'), async (client) => {
    await client.expect(220)
    assert.equal(client.chunks()[0]?.data.includes(13), false)
  }))

test('banner554 and banner421 close after their word', async () => {
  await withClient(hostile.banner554(), async (client) => {
    await client.expect(554)
    await client.closed()
  })
  await withClient(hostile.banner421(), async (client) => {
    await client.expect(421)
    await client.closed()
  })
})

test('silentBanner says nothing', () =>
  withClient(hostile.silentBanner(), (client) => client.silent(50)))

test('closesAfterMail says yes to MAIL and closes', () =>
  withClient(hostile.closesAfterMail(), async (client) => {
    await client.expect(220)
    await client.command('EHLO x', 250)
    await client.command('MAIL FROM:<>', 250)
    await client.closed()
  }))

/** Up to and with the content. */
async function sendContent(client: RawClient): Promise<void> {
  await client.expect(220)
  for (const question of dialog.slice(0, -1)) {
    await client.send(question)
    await client.expect()
  }
  await client.send(content)
}

test('hangsAfterFinalDot, closesAfterFinalDot, resetsAt, closesWith421 at the final dot', async () => {
  await withClient(hostile.hangsAfterFinalDot(), async (client) => {
    await sendContent(client)
    await client.silent(50)
  })
  for (const script of [hostile.closesAfterFinalDot(), hostile.resetsAt('final')]) {
    await withClient(script, async (client) => {
      await sendContent(client)
      await client.closed()
    })
  }
  await withClient(hostile.closesWith421('final'), async (client) => {
    await sendContent(client)
    await client.expect(421)
    await client.closed()
  })
})

test('STARTTLS: injection, garbage, silence, not now', async (context) => {
  await withClient(hostile.tlsGarbage(), async (client) => {
    await client.expect(220)
    await assert.rejects(client.startTls(), /wrong version number|packet length|SSL/i)
  })
  await withClient(hostile.tlsSilence(), async (client) => {
    await client.expect(220)
    await client.command('STARTTLS', 220)
    await client.silent(50)
  })
  await withClient(hostile.startTlsUnavailable(), async (client) => {
    await client.expect(220)
    await client.command('STARTTLS', 454)
    await client.command('EHLO x', /STARTTLS/)
  })
  if (!(await isOpensslAvailable())) {
    context.skip('the openssl command (3.0 or later) is missing')
    return
  }
  await using authority = await createAuthority()
  const certificate = await authority.issue({ names: ['hostile.example'] })
  await withClient(hostile.startTlsInjection(certificate), async (client) => {
    await client.expect(220)
    await client.command('STARTTLS', 220)
    await client.expect(250) // the injected reply, for whoever takes it
    await client.upgradeTls()
    assert.doesNotMatch(await client.command('EHLO x', 250), /STARTTLS/)
  })
})
