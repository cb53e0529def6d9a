// What a client says ends up in logs, replies and on terminals: escape sequences, line feeds and characters that
// turn text around must have become harmless before.

import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import path from 'node:path'
import { after, before, test } from 'node:test'
import { stringify } from 'yaml'
import { until } from '../e2e/support/mail.ts'
import { connectRaw } from '../support/raw-client.ts'
import { openProtocolSite, type ProtocolSite } from './support/protocol-site.ts'

const program = path.join(import.meta.dirname, '..', '..', 'bin', 'pforte')
let site: ProtocolSite
before(async () => (site = await openProtocolSite({ limits: { maxErrors: 1000 } })))
after(() => site[Symbol.asyncDispose]())

/** Clears a terminal, sets its title, turns text around, forges a line. */
const poison = [
  '\u001b[2J',
  '\u009b31m',
  '\u001b]0;title\u0007',
  '\u202eevil',
  '\u2028{"event":"forged"}',
  '\b\b',
]
const harmful =
  // oxlint-disable-next-line no-control-regex -- what must not be left
  /[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]/

/** Says everything a client can say, poisoned. */
async function poisonAll(port: number): Promise<string> {
  let said = ''
  for (const text of poison) {
    await using client = await connectRaw({ port })
    await client.expect(220)
    for (const line of [
      `EHLO x${text}`,
      'EHLO client.example',
      `X${text}`,
      `NOOP ${text}`,
      `VRFY ${text}`,
      `HELP ${text}`,
      `MAIL FROM:<a${text}@sender.example> SMTPUTF8`,
      'RSET',
      `MAIL FROM:<a@sender.example> X${text}=1`,
      'MAIL FROM:<a@sender.example> SMTPUTF8',
      `RCPT TO:<b${text}@inst.example>`,
      `RCPT TO:<"b${text}"@inst.example>`,
      `RCPT TO:<b@x${text}.example>`,
      `N${text}\n`,
    ]) {
      said += await client.command(line)
    }
    await client.sendBytes(Buffer.from(`X \x1b[2J\xff\r\n`, 'latin1'))
    said += await client.expect()
  }
  return said
}

test('replies to the client are printable ASCII', async () => {
  const said = await poisonAll(site.relay.port)
  assert.match(said, /^[\n -~]*$/)
})

test('the JSON log has no control characters, raw or escaped, and no forged line', async () => {
  await poisonAll(site.relay.port)
  await site.relay.waitForEvent(
    (event) => event['event'] === 'protocol-error' && String(event['line']).startsWith('X'),
  )
  assert.doesNotMatch(site.relay.log(), harmful)
  for (const event of site.relay.events()) {
    assert.notEqual(event['event'], 'forged')
    for (const value of Object.values(event)) {
      assert.doesNotMatch(String(value), /\n/)
      assert.doesNotMatch(String(value), harmful)
    }
  }
})

test('the log for people has none either', async () => {
  await using stack = new AsyncDisposableStack()
  const relay = await startWithHumanLog(stack, site.relay.folder)
  await poisonAll(relay.port)
  await until(() => relay.log().includes('\u003f]0;title')) // the escape became a question mark
  assert.doesNotMatch(relay.log(), harmful)
  assert.doesNotMatch(relay.log(), /^\{/m)
})

/** A second relay that writes for people; its state is its own. */
async function startWithHumanLog(
  stack: AsyncDisposableStack,
  folder: string,
): Promise<{ readonly port: number; readonly log: () => string }> {
  const file = path.join(folder, 'human.yaml')
  const logFile = path.join(folder, 'human.log')
  const config = {
    hostname: 'mailrelay1.example.org',
    listen: [{ address: '127.0.0.1', port: 0 }],
    workers: 0,
    state: './human-state',
    limits: { maxErrors: 1000 },
    log: { format: 'human', file: logFile },
    metrics: { listen: null },
  }
  await writeFile(file, stringify(config))
  const relay = spawn(program, ['serve', '--config', file], { stdio: 'ignore' })
  const ended = once(relay, 'exit')
  stack.defer(async () => {
    relay.kill('SIGKILL')
    await ended
  })
  const log = (): string => readFileSync(logFile, { encoding: 'utf8', flag: 'a+' })
  const listening = /smtp on 127\.0\.0\.1:(\d+)/
  await until(() => listening.test(log()), 30_000)
  return { port: Number(listening.exec(log())?.[1]), log }
}

test('what pforte prints of recipients and of an envelope is clean', async () => {
  const text = poison.join('')
  for (const args of [
    ['recipient', 'show', `b${text}@inst.example`],
    ['explain', '--from', `a${text}@sender.example`, '--to', `b\u202e@inst.example`, '--smtputf8'],
    ['queue', 'list', '--sender', `a${text}@sender.example`],
    ['domain', 'show', `x${text}.example`],
    ['status'],
  ]) {
    const { stdout, stderr } = await site.relay.pforte(...args)
    assert.notEqual(stdout + stderr, '')
    assert.doesNotMatch(stdout + stderr, harmful, args.join(' '))
  }
})
