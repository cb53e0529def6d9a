// What a server offers in EHLO is believed for as long as it says so, on this connection: keywords taken back after
// STARTTLS, sizes that are none, PIPELINING it does not know, extensions it refuses when they are used.

import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { endpointOf, impatient, sendOneMail, until } from '../e2e/support/mail.ts'
import { createAuthority, isOpensslAvailable } from '../support/certificates.ts'
import { playDialog } from '../support/hostile-behaviours.ts'
import { startScriptedServer, type Script, type ScriptedServer } from '../support/hostile-server.ts'
import { startRelay, type TestRelay } from '../support/relay.ts'

const sizes: readonly string[] = [
  'SIZE -1',
  'SIZE 99999999999999999999999999',
  'SIZE 0x10',
  'SIZE 1e9',
  'SIZE NaN',
  'SIZE \u001b[2J',
  'SIZE',
  'SIZE=',
  'SIZE 0',
  'SIZE 104857600 1',
]
const keywords: readonly string[] = [
  'PIPELINING PIPELINING',
  'CHUNKING',
  'BINARYMIME',
  'STARTTLS',
  'XCLIENT NAME ADDR PROTO',
  'SMTPUTF8 8BITMIME',
  `X-${'y'.repeat(1500)}`,
]

function offering(keyword: string): Script {
  return playDialog({ ehlo: `250-hostile.example\r\n250 ${keyword}` })
}

const cases: readonly string[] = [...sizes, ...keywords]
const servers: ScriptedServer[] = []
let relay: TestRelay

before(async () => {
  for (const keyword of cases) servers.push(await startScriptedServer(offering(keyword)))
  relay = await startRelay({
    domains: servers.map((server, index) => ({
      domain: `inst${index}.example`,
      to: endpointOf(server),
      tls: 'opportunistic' as const,
    })),
    config: impatient,
  })
})
after(async () => {
  await relay[Symbol.asyncDispose]()
  await Promise.all(servers.map((server) => server.close()))
})

for (const [index, keyword] of cases.entries()) {
  test(`offers ${JSON.stringify(keyword).slice(0, 60)}`, async () => {
    const sent = await sendOneMail(relay, { to: `x@inst${index}.example` })
    assert.match(sent.final ?? '', /^250 .* says: /)
    const lines = servers[index]?.lines ?? []
    const size = lines.find((line) => / SIZE=/.test(line)) ?? ' SIZE=1'
    assert.match(size, / SIZE=\d{1,9}(?: |$)/)
    assert.ok(lines.every((line) => !/^(?:BDAT|XCLIENT)/.test(line)))
  })
}

const skip = (await isOpensslAvailable()) ? false : 'the openssl command (3.0 or later) is missing'

test('PIPELINING and SIZE are taken back after STARTTLS', { skip }, async () => {
  await using authority = await createAuthority()
  const certificate = await authority.issue({ names: ['mail.inst.example'] })
  const groups: string[] = []
  const script: Script = async (connection) => {
    const answer = async (wanted: RegExp, reply: string): Promise<void> => {
      const line = await connection.expect(wanted)
      groups.push(connection.hasInput ? `${line} …` : line)
      await connection.send(`${reply}\r\n`)
    }
    await connection.send('220 hostile.example\r\n')
    await answer(/^EHLO/, '250-hostile.example\r\n250-PIPELINING\r\n250-SIZE 1\r\n250 STARTTLS')
    await answer(/^STARTTLS/, '220 Go ahead')
    await connection.upgradeTls(certificate)
    await answer(/^EHLO/, '250 hostile.example')
    for (;;) {
      const line = await connection.expect(/^/, 20_000)
      groups.push(connection.hasInput ? `${line} …` : line)
      if (line.startsWith('DATA')) {
        await connection.send('354 Go\r\n')
        await connection.readContent()
      }
      await connection.send(line.startsWith('QUIT') ? '221 Bye\r\n' : '250 Ok\r\n')
    }
  }
  await using server = await startScriptedServer(script)
  await using own = await startRelay({
    domains: [{ domain: 'inst.example', to: endpointOf(server), tls: 'opportunistic' }],
    config: impatient,
  })
  const sent = await sendOneMail(own, { to: 'x@inst.example' })
  assert.match(sent.final ?? '', /^250 .* says: /)
  await until(() => groups.some((line) => line.startsWith('DATA')))
  assert.ok(groups.filter((line) => /^(?:MAIL|RCPT|RSET|DATA)/.test(line)).length >= 6)
  assert.deepEqual(
    groups.filter((line) => line.endsWith(' …') || line.includes('SIZE=')),
    [],
  )
})
