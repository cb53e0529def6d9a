// A whole session in memory under hostile streams: however it is cut into packets the same is said and the
// same mails come out, and no line, path or header section takes longer than its length allows.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { examineHeader } from '#message/header-section.ts'
import { parseCommand } from '#smtp/parse-command.ts'
import { friendlyScript, MemorySession, testRules } from '../support/memory-session.ts'
import { cuts, pieces, timeBoxed } from './support.ts'

const script = {
  ...friendlyScript,
  refusals: new Map([
    ['nobody@inst.example', '550 5.1.1 User unknown'],
    ['busy@inst.example', '450 4.2.0 Busy'],
  ]),
}

function play(chunks: Iterable<Buffer>, isNormalizing = false): MemorySession {
  const session = new MemorySession(testRules, { ...script, isNormalizing })
  for (const chunk of chunks) session.push(chunk)
  return session
}

/** Mostly sensible, so that mails get through, with everything that could confuse where one ends. */
const fragment = fc.constantFrom(
  'EHLO mx.sender.example\r\n',
  'HELO mx\r\n',
  'MAIL FROM:<bob@sender.example>\r\n',
  'MAIL FROM:<bob@sender.example>\r\nRCPT TO:<anna@inst.example>\r\nBDAT 9\r\nSubject: \r\n',
  'mail from:<> size=10\r\n',
  'RCPT TO:<anna@inst.example>\r\n',
  'RCPT TO:<nobody@inst.example>\r\n',
  'RCPT TO:<busy@inst.example>\r\n',
  'RCPT TO:<anna@elsewhere.example>\r\n',
  'DATA\r\n',
  'Subject: x\r\n\r\nHello\r\n.\r\n',
  '.\r\n',
  '..\r\n',
  '\r\n',
  '\n.\n',
  '\r.\r',
  '\n.\r\n',
  '\0',
  'RSET\r\n',
  'NOOP\r\n',
  'NOOP\n',
  'BDAT 3\r\n',
  'BDAT 3\r\na\r\n',
  'BDAT 5\r\n.\r\n.\r',
  'BDAT 8 LAST\r\n\n.\r\n.\r\n.',
  'BDAT 7 LAST\r\n\r\n.\r\n\r\n',
  'BDAT 0\r\n',
  'BDAT 0 LAST\r\n',
  'BDAT 3\n',
  `${'x'.repeat(2100)}\r\n`,
  'QUIT\r\n',
)
/** A transaction that works up to its content, so that contents are met often. */
const opening =
  'EHLO mx\r\nMAIL FROM:<bob@sender.example>\r\nRCPT TO:<anna@inst.example>\r\nDATA\r\n'
const stream = fc
  .tuple(fc.constantFrom('', opening, opening), fc.array(fragment, { maxLength: 30 }))
  .map(([start, fragments]) => Buffer.from(start + fragments.join('')))

test('a session: cutting changes neither replies nor mails', () => {
  fc.assert(
    fc.property(stream, cuts, (bytes, lengths) => {
      const whole = play([bytes])
      const cut = play(pieces(bytes, lengths))
      assert.deepEqual(cut.replies, whole.replies)
      assert.deepEqual(cut.relayed, whole.relayed)
      assert.equal(cut.phase, whole.phase)
    }),
    timeBoxed,
  )
})

test('a session: one reply for each command and each content, and one farewell', () => {
  fc.assert(
    fc.property(stream, cuts, (bytes, lengths) => {
      const session = play(pieces(bytes, lengths))
      // DATA has a reply before its content as well, BDAT one behind it, which may still be to come.
      const starts = session.replies.filter((text) => text.startsWith('354')).length
      const isInside = session.phase === 'content' || session.phase === 'skipping'
      const farewell = session.output.includes('too many errors') ? 1 : 0
      const replies = 1 + session.commandCount + starts + farewell - (isInside ? 1 : 0)
      assert.equal(session.replies.length, replies)
      for (const text of session.replies)
        assert.match(text, /^(?:\d{3}-[ -~]*\r\n)*\d{3} [ -~]*\r\n$/)
    }),
    timeBoxed,
  )
})

test('a session: a mail ends at its first CR LF . CR LF, and no bare CR or LF goes out', () => {
  fc.assert(
    fc.property(stream, cuts, fc.boolean(), (bytes, lengths, isNormalizing) => {
      for (const { content } of play(pieces(bytes, lengths), isNormalizing).relayed) {
        const text = `\r\n${content.toString('latin1')}`
        assert.equal(text.indexOf('\r\n.\r\n'), text.length - 5)
        assert.doesNotMatch(text, /\r(?!\n)|(?<!\r)\n/)
      }
    }),
    timeBoxed,
  )
})

/** Their replies do not depend on anything before them. */
const stateless: Readonly<Record<string, string>> = {
  NOOP: '250',
  'VRFY x': '252',
  HELP: '214',
  'EXPN x': '502',
  WHAT: '500',
  'RSET x': '501',
}

test('a session: replies come in the order of their commands', () => {
  const lines = fc.array(fc.constantFrom(...Object.keys(stateless)), { maxLength: 19 })
  fc.assert(
    fc.property(lines, cuts, (commands, lengths) => {
      const bytes = Buffer.from(commands.map((command) => `${command}\r\n`).join(''))
      const codes = play(pieces(bytes, lengths)).replies.map((text) => text.slice(0, 3))
      assert.deepEqual(codes, ['220', ...commands.map((command) => stateless[command])])
    }),
    timeBoxed,
  )
})

/** The least of three: what is left when the machine was busy otherwise. */
function leastMs(work: () => void): number {
  const times = [1, 2, 3].map(() => {
    const startMs = performance.now()
    work()
    return performance.now() - startMs
  })
  return Math.min(...times)
}

const pattern = fc
  .array(
    fc.constantFrom(
      '<',
      '>',
      '"',
      '\\',
      '@',
      '.',
      ',',
      ':',
      '[',
      ']',
      'a',
      '1',
      ' ',
      '=',
      '\u00fc',
    ),
    { minLength: 1, maxLength: 5 },
  )
  .map((parts) => parts.join(''))

test('a line of 2 KiB is parsed in time, whatever is repeated in it', () => {
  const starts = [
    '',
    'EHLO ',
    'MAIL FROM:<',
    'MAIL FROM:<"',
    'MAIL FROM:<a@b> ',
    'RCPT TO:<@',
    'RCPT TO:<a@',
  ]
  fc.assert(
    fc.property(fc.constantFrom(...starts), pattern, (start, part) => {
      const line = `${start}${part.repeat(2048)}`.slice(0, 2048)
      // A millisecond or two when linear; 2,048 squared steps would be tens of them.
      assert.ok(leastMs(() => parseCommand(line)) < 15, JSON.stringify(line.slice(0, 60)))
    }),
    timeBoxed,
  )
})

test('a header section of 128 KiB is examined in time, whatever is repeated in it', () => {
  const words = [
    'Received: a',
    'Authentication-Results:',
    ' relay.example',
    '(',
    '\\',
    '"',
    '\r\n',
    '\r\n ',
    '\r\n. ',
    '>',
    'From ',
    ':',
    'a',
    '\t',
  ]
  const part = fc.array(fc.constantFrom(...words), { minLength: 1, maxLength: 5 })
  fc.assert(
    fc.property(part, (parts) => {
      const text = parts.join('')
      const head = Buffer.from(text.repeat(Math.ceil(131_072 / text.length)), 'latin1')
      assert.ok(leastMs(() => examineHeader(head, 'relay.example')) < 250, JSON.stringify(text))
    }),
    timeBoxed,
  )
})
