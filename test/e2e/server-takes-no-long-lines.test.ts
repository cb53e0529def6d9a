// Long lines and 8-bit content that a server was measured to refuse: while it is up its own answer goes to the
// sender; while it is down such mail is not taken over, because it would be refused when nobody can be told.
// What a person has said is refused here.

import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { startInstituteServer, type InstituteServer } from '../../demo/institute-server.ts'
import { startRelay, type TestRelay } from '../support/relay.ts'
import { endpointOf, sendOneMail, until } from './support/mail.ts'
import { contentNamed, fatesOf, makeKnown, quick, untilDelivered } from './support/outage.ts'

const to = 'known@inst.example'
const refusal = '550 5.6.0 maximum allowed line length is 998 octets'

let institute: InstituteServer
let relay: TestRelay

before(async () => {
  institute = await startInstituteServer({
    mailboxes: [to, 'known@free.example'],
    extensions: { eightBitMime: false },
    filter: ({ content }) => {
      const text = content?.toString('latin1') ?? ''
      if (text.split('\r\n').some((line) => line.length > 998)) return refusal
      return /[\x80-\xff]/.test(text) ? '554 5.6.3 8-bit content' : undefined
    },
  })
  relay = await startRelay({
    domains: ['inst.example', 'free.example'].map((domain) => ({
      domain,
      to: endpointOf(institute),
    })),
    config: quick,
  })
})
after(async () => {
  await relay[Symbol.asyncDispose]()
  await institute.close()
})

function lineOf(octets: number): string {
  return `${contentNamed('long')}${'x'.repeat(octets)}\r\n`
}

async function setByHand(...args: readonly string[]): Promise<void> {
  const count = relay.events('registry-changed').length
  const set = await relay.pforte('domain', 'set', 'inst.example', ...args)
  assert.equal(set.exitCode, 0, set.stderr)
  await until(() => relay.events('registry-changed').length > count)
}

test('what is measured: pforte check --send --save', async () => {
  await makeKnown(relay, [to])
  const checks = ['data-clean', 'data-long-line', 'data-8bit', 'cap-8bitmime']
  const saved = await relay.pforte(
    'check',
    '127.0.0.1',
    '--port',
    String(institute.port),
    '--existing',
    to,
    ...checks.flatMap((id) => ['--only', id]),
    '--send',
    '--confirm',
    to,
    '--save',
  )
  assert.equal(saved.exitCode, 1, saved.stdout + saved.stderr)
  assert.match(saved.stderr, /^inst\.example: longest line 998 octets, from now on$/m)
  assert.match(saved.stderr, /^inst\.example: 8BITMIME no, from now on$/m)
  assert.match(saved.stderr, /^inst\.example: refuses at DATA yes, from now on$/m)
  const shown = await relay.pforte('domain', 'profile', 'inst.example')
  assert.match(shown.stdout, /longest line +998 octets \(measured \d{4}-\d\d-\d\d\)/)
  await relay.waitForEvent(({ event }) => event === 'registry-changed')
})

test('the server is up: its own answer', async () => {
  const long = await sendOneMail(relay, { to, content: lineOf(999) })
  assert.match(long.final ?? '', /^550 5\.6\.0 .*maximum allowed line length is 998/)
  const wide = { to, content: `${contentNamed('wide')}Grüße\r\n`, parameters: ' BODY=8BITMIME' }
  assert.match((await sendOneMail(relay, wide)).final ?? '', /^554 5\.6\.3 .*8-bit content/)
  assert.match((await sendOneMail(relay, { to, content: lineOf(998) })).final ?? '', /^250 /)
})

test('the server is down: 451 for what it would refuse, and only the rest is taken over', async () => {
  await institute.pause()
  const mailCount = institute.mails.length
  const long = await sendOneMail(relay, { to, content: lineOf(999) })
  assert.match(long.final ?? '', /^451 4\.6\.0 .*lines above 998 octets/)
  // Large enough for a file of its own.
  const inFile = `${contentNamed('file')}${`${'y'.repeat(70)}\r\n`.repeat(8000)}`
  const longInFile = await sendOneMail(relay, { to, content: `${inFile}${'x'.repeat(999)}\r\n` })
  assert.match(longInFile.final ?? '', /^451 4\.6\.0 /)
  const wide = { to, content: `${contentNamed('wide')}Grüße\r\n`, parameters: ' BODY=8BITMIME' }
  assert.match((await sendOneMail(relay, wide)).final ?? '', /^451 4\.6\.0 .*8-bit content/)
  assert.deepEqual(fatesOf(relay), [])
  for (const content of [lineOf(998), `${inFile}.${'x'.repeat(997)}\r\n`]) {
    // In wire form the dot in front of the last line is stuffed.
    const stuffed = content.replaceAll('\r\n.', '\r\n..')
    assert.match((await sendOneMail(relay, { to, content: stuffed })).final ?? '', /^250 /)
  }
  await institute.resume()
  await untilDelivered(relay)
  assert.equal(institute.mails.length, mailCount + 2)
  assert.deepEqual(fatesOf(relay), [])
})

test('a person has said so: refused here, and the server is not asked', async () => {
  await setByHand('--max-line', '998', '--8bitmime', 'off')
  const commandCount = institute.commandTexts.length
  const long = await sendOneMail(relay, { to, content: lineOf(999) })
  assert.match(long.final ?? '', /^554 5\.6\.0 .*inst\.example takes no lines above 998 octets/)
  const wide = await sendOneMail(relay, { to, parameters: ' BODY=8BITMIME' })
  assert.match(wide.recipients[0] ?? '', /^554 5\.6\.3 /)
  assert.equal(
    institute.commandTexts.slice(commandCount).filter((text) => text === 'DATA').length,
    0,
  )
  assert.match((await sendOneMail(relay, { to, content: lineOf(998) })).final ?? '', /^250 /)
  // Another domain of the same server keeps its own ways, and a transaction of its own.
  const both = await sendOneMail(relay, { to: [to, 'known@free.example'] })
  assert.match(both.recipients[1] ?? '', /^452 4\.5\.3 /)
})
