import assert from 'node:assert/strict'
import { test } from 'node:test'
import { LineDecoder } from './line-decoder.ts'

/** Lines as text, problems as `!kind`. */
function readAll(decoder: LineDecoder, bytes: Buffer | string): readonly string[] {
  decoder.push(Buffer.from(bytes))
  const found: string[] = []
  for (let line = decoder.next(); line !== null; line = decoder.next()) {
    found.push(line.kind === 'line' ? line.text : `!${line.problem.kind}`)
  }
  return found
}

const longest = 'x'.repeat(2047)

const cases: Readonly<Record<string, readonly [Buffer | string, readonly string[]]>> = {
  'two lines and a beginning': ['EHLO a\r\nNOOP\r\nQU', ['EHLO a', 'NOOP']],
  'an empty line': ['\r\n', ['']],
  'LF alone': ['NOOP\nNOOP\r\n', ['!bare-newline', 'NOOP']],
  'LF alone, nothing before it': ['\n', ['!bare-newline']],
  'CR inside': ['NO\rOP\r\n', ['!bare-newline']],
  'two CR': ['NOOP\r\r\n', ['!bare-newline']],
  'NUL inside': ['NO\0OP\r\n', ['!bare-newline']],
  'UTF-8': ['RCPT TO:<jürgen@x>\r\n', ['RCPT TO:<jürgen@x>']],
  'latin-1': [Buffer.from('j\xfcrgen\r\n', 'latin1'), ['!not-utf8']],
  'a byte order mark, which is not dropped': ['\ufeffNOOP\r\n', ['\ufeffNOOP']],
  'the longest line': [`${longest}\r\n`, [longest]],
  'a line one too long': [`${longest}x\r\nNOOP\r\n`, ['!line-too-long', 'NOOP']],
  'a line far too long, one problem': [
    `${'x'.repeat(100_000)}\r\nNOOP\r\n`,
    ['!line-too-long', 'NOOP'],
  ],
}

for (const [name, [bytes, expected]] of Object.entries(cases)) {
  test(name, () => {
    assert.deepEqual(readAll(new LineDecoder(), bytes), expected)
  })
}

test('an endless line is not kept', () => {
  const decoder = new LineDecoder()
  for (let round = 0; round < 1000; round += 1) {
    assert.deepEqual(readAll(decoder, 'x'.repeat(4096)), [])
    assert.ok(decoder.pendingBytes <= 2048)
  }
  assert.deepEqual(readAll(decoder, '\r\nNOOP\r\n'), ['!line-too-long', 'NOOP'])
})

test('rest gives what was not consumed, once', () => {
  const decoder = new LineDecoder()
  decoder.push(Buffer.from('DATA\r\ncontent\r\n.'))
  decoder.next()
  assert.equal(decoder.pendingBytes, 10)
  assert.equal(decoder.rest().toString(), 'content\r\n.')
  assert.equal(decoder.rest().length, 0)
  assert.equal(decoder.pendingBytes, 0)
})

test('peek consumes nothing, and stops at a problem, at the count and at half a line', () => {
  const decoder = new LineDecoder()
  decoder.push(Buffer.from('a\r\nb\r\nc\nd\r\ne'))
  assert.deepEqual(decoder.peek(1), ['a'])
  assert.deepEqual(decoder.peek(9), ['a', 'b'])
  assert.deepEqual(readAll(decoder, ''), ['a', 'b', '!bare-newline', 'd'])
  assert.deepEqual(decoder.peek(9), [])
})
