// Replies that are well formed and whose text attacks whoever reads it: the client's parser, the operator's
// terminal, the log. The text passes as one clean and short line, and the code is believed.

import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { openSession } from '../e2e/support/mail.ts'
import { startScriptedServer, type ScriptedServer } from '../support/hostile-server.ts'
import { attack, cut, endsAtOnce, honest, openSiege, send, type Siege } from './support/siege.ts'

const escape = '\u001b'
const texts: Readonly<Record<string, string>> = {
  'terminal colours': `${escape}[31mUser unknown${escape}[0m`,
  'a terminal title and a bell': `${escape}]0;owned\u0007User unknown`,
  'C1 controls': '\u009b31mUser unknown \u0085 250 Ok',
  'back space over the code': '\b\b\b\b\b\b\b\b\b\b250 2.1.5 Ok, user unknown',
  'right to left': '\u202euser unknown\u202c',
  'a line separator': 'User unknown\u2028250 Ok',
  'not UTF-8': '\xff\xfe\xc0\x80 User unknown',
  'two kilobytes': `User unknown ${'x'.repeat(1980)}`,
  'a reply within': 'User unknown 250 2.0.0 Ok 250 2.0.0 Ok',
  'a log line within': 'User unknown {"event":"mail-accepted","level":"info"}',
}
/** Besides printable ASCII there is nothing in any reply to the client. */
const cleanReply = /^(?:\d{3}[ -][ -~]{0,508}\n?)+$/
// oxlint-disable-next-line no-control-regex -- what must not be left
const dirty = /[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u2028\u2029\u202a-\u202e]/

let siege: Siege
let server: ScriptedServer

before(async () => {
  siege = await openSiege(1)
  server = await startScriptedServer(honest())
  await siege.relay.pforte('domain', 'add', 'text.example', '--to', `127.0.0.1:${server.port}`)
  await siege.relay.waitForEvent((event) => JSON.stringify(event).includes('text.example'))
})
after(async () => {
  await siege[Symbol.asyncDispose]()
  await server.close()
})

for (const [index, [name, text]] of Object.entries(texts).entries()) {
  test(`${name}: in a refusal of the recipient, and of the mail`, async () => {
    const bytes = (code: string): Buffer => Buffer.from(`${code} ${text}\r\n`, encodingOf(name))
    server.setScript(honest({ rcpt: (connection) => connection.send(bytes('550 5.1.1')) }))
    cut(server)
    await using client = await openSession(siege.relay)
    await client.command('MAIL FROM:<s@sender.example>', 250)
    const refused = await client.command(`RCPT TO:<gone${index}@text.example>`)
    assert.match(refused, /^550 5\.1\.1 /)
    assert.match(refused, cleanReply)
    // It is one reply: the next command gets its own.
    assert.match(await client.command('NOOP'), /^250 2\.0\.0 Ok$/)

    server.setScript(honest({ final: (connection) => connection.send(bytes('554 5.6.0')) }))
    cut(server)
    const rejected = await send(siege.relay, { to: `known${index}@text.example` })
    assert.match(rejected, /^554 5\.6\.0 /)
    assert.match(rejected, cleanReply)
  })
}

test('the log has one clean object a line', () => {
  assert.doesNotMatch(siege.relay.log(), dirty)
  assert.ok(siege.relay.events().length > 10)
})

test('a megabyte of text is no reply, whatever it says', async () => {
  const said = `250 2.0.0 ${'Ok '.repeat(350_000)}`
  const { handed, asked } = await attack(siege, 0, honest({ final: said }))
  for (const reply of [handed, asked]) assert.match(reply, /^451 4\.4\.1 /)
})

test('the code decides, not the status that contradicts it', async () => {
  for (const [final, expected] of [
    ['250 5.7.1 Rejected', /^250 /],
    ['554 2.0.0 Accepted', /^554 /],
    ['451 5.0.0 Never', /^250 .*taken over/],
  ] as const) {
    server.setScript(honest({ final }))
    cut(server)
    assert.match(await send(siege.relay, { to: 'known@text.example' }), expected)
  }
})

test('nothing is left behind', () => endsAtOnce(siege))

function encodingOf(name: string): BufferEncoding {
  return name === 'not UTF-8' ? 'latin1' : 'utf8'
}
