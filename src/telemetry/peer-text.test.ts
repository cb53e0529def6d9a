import assert from 'node:assert/strict'
import { test } from 'node:test'
import { commandText, errorText, peerReplyText, peerText } from './peer-text.ts'

test('peer text is one bounded line without controls that act on a terminal', () => {
  const cases: readonly (readonly [string, string, string])[] = [
    ['plain', 'Grüße, 世界', 'Grüße, 世界'],
    ['CR LF would forge a second line', 'a\r\nb', 'a??b'],
    ['C0: ESC starts a terminal sequence', '\u001b[2J', '?[2J'],
    ['C1: CSI in one character', '\u009b2J', '?2J'],
    ['bidi override shows text backwards', 'a\u202egnp.exe', 'a?gnp.exe'],
    ['line separator', 'a\u2028b', 'a?b'],
  ]
  for (const [name, text, expected] of cases) assert.equal(peerText(text), expected, name)
  assert.equal(peerText('x'.repeat(100_000)).length, 512)
})

test('credentials in a command are not logged', () => {
  const cases: readonly (readonly [string, string])[] = [
    ['AUTH PLAIN AGFsaWNlAHNlY3JldA==', 'AUTH PLAIN [redacted]'],
    ['  auth login YWxpY2U=', 'AUTH LOGIN [redacted]'],
    ['AUTH PLAIN', 'AUTH PLAIN [redacted]'],
    ['AUTH AGFsaWNlAHNlY3JldA==', 'AUTH [redacted]'], // the mechanism forgotten
    ['AUTH=PLAIN AGFsaWNlAHNlY3JldA==', 'AUTH [redacted]'],
    ['AGFsaWNlAHNlY3JldA==', '[redacted]'], // the second line of AUTH LOGIN
    ['c2VjcmV0MTIz', '[redacted]'],
    ['Authorization: Basic YTpi', '[redacted]'],
    ['PASS secret', '[redacted]'],
    ['Cookie: a=b', '[redacted]'],
    // and what is none stays readable
    ['BDATFOOBAR', 'BDATFOOBAR'],
    ['GET / HTTP/1.1', 'GET / HTTP/1.1'],
    ['authority', 'authority'],
    ['\u0016\u0003\u0001', '???'],
  ]
  for (const [line, expected] of cases) assert.equal(commandText(line), expected)
})

test('a reply of many long lines is bounded', () => {
  const lines = Array.from({ length: 5000 }, () => 'no'.repeat(500))
  assert.equal(peerReplyText({ code: 550, status: '5.1.1', lines }).length, 512)
  assert.equal(peerReplyText({ code: 550, status: null, lines: [''] }), '550')
  assert.equal(peerReplyText({ code: 250, status: '2.0.0', lines: ['a', 'b'] }), '250 2.0.0 a b')
})

test('whatever was thrown has a text', () => {
  assert.match(errorText(new RangeError('bad\u001b[2J')), /^RangeError: bad\?\[2J\n\s+at /)
  assert.equal(errorText('just a string'), 'just a string')
  assert.equal(errorText(undefined), 'undefined')
  assert.equal(errorText(Object.create(null)), 'a value that cannot be shown')
  assert.ok(errorText('x'.repeat(1e6)).length <= 4096)
})
