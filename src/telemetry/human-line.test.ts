import assert from 'node:assert/strict'
import { before, test } from 'node:test'
import { humanLine } from './human-line.ts'
import { sampleEvents } from './sample-events.ts'

const timeMs = Date.UTC(2026, 9, 5, 14, 3, 21, 42)
const bare = { isColoured: false, isDated: false }

before(() => {
  process.env['TZ'] = 'UTC' // times are local
})

test('a finished mail in one line', () => {
  assert.equal(
    humanLine(sampleEvents['mail-finished'], timeMs, bare),
    '14:03:21.042 0A7F2 relayed      <alice@sender.example> to <bob@inst.example> and 1 more, 12.3 KiB, ' +
      'received in 42 ms, handed over in 35 ms: ' +
      '250 2.0.0 mail.inst.example says: 250 2.0.0 Ok: queued as 4XyZ (0D3K7Q2M0A7F2.1); ' +
      'mail.inst.example [198.51.100.4] relayed: 250 2.0.0 Ok: queued as 4XyZ',
  )
})

test('an event of no session has a dash, a file has dates', () => {
  assert.equal(
    humanLine(sampleEvents.draining, timeMs, { isColoured: false, isDated: true }),
    '2026-10-05 14:03:21.042 -     draining     no new sessions, 3 sessions to finish',
  )
})

test('colours only when told so, and the text is the same', () => {
  for (const event of Object.values(sampleEvents)) {
    const plain = humanLine(event, timeMs, bare)
    const coloured = humanLine(event, timeMs, { isColoured: true, isDated: false })
    assert.ok(!plain.includes('\u001b'))
    // oxlint-disable-next-line no-control-regex -- the escape sequences are what is looked for
    assert.equal(coloured.replaceAll(/\u001b\[[0-9;]*m/g, '').trimEnd(), plain)
  }
})

test('hostile text cannot act on the terminal or hide what follows', () => {
  const hostile = `\u001b]0;owned\u0007\u009b2J\u202e\r\n${'x'.repeat(5000)}`
  const line = humanLine(
    { ...sampleEvents['protocol-error'], session: hostile, line: hostile },
    timeMs,
    { isColoured: true, isDated: false },
  )
  // oxlint-disable no-control-regex -- controls are what is looked for
  const controls = line.match(
    /[\u0000-\u001a\u001c-\u001f\u007f-\u009f\u202e]|\u001b(?!\[[0-9;]*m)/,
  )
  assert.equal(controls, null)
  assert.ok(line.length < 1100)
})
