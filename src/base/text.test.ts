import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { cleanAsciiLine, cleanLine, editDistance, nearestWord } from './text.ts'

test('harmless text stays as it is', () => {
  const text = '550 5.1.1 Grüße <x@inst.example>: unbekannt — 不明'
  assert.equal(cleanLine(text, 100), text)
  assert.equal(cleanAsciiLine('550 User unknown ~!"', 100), '550 User unknown ~!"')
})

test('a line stays one line, and a terminal takes no orders from it', () => {
  assert.equal(cleanLine('a\r\nb\tc\0d', 100), 'a??b?c?d')
  assert.equal(cleanLine('\u001b[31mred\u009b0m\u007f', 100), '?[31mred?0m?')
  assert.equal(cleanLine('a\u2028b\u2029c', 100), 'a?b?c')
})

test('text cannot be hidden or turned around', () => {
  const tricks = ['\u200b', '\u200e', '\u202e', '\u2066', '\u2069', '\ufeff', '\u061c']
  for (const trick of tricks)
    assert.equal(cleanLine(`a${trick}b`, 100), 'a?b', encodeURIComponent(trick))
})

test('a long line is cut and shows that it is', () => {
  assert.equal(cleanLine('abcdef', 6), 'abcdef')
  assert.equal(cleanLine('abcdefg', 6), 'abcde…')
  assert.equal(cleanAsciiLine('abcdefg', 6), 'abc...')
})

test('a reply line is ASCII', () => {
  assert.equal(cleanAsciiLine('Größe\n', 100), 'Gr??e?')
})

test('whatever comes in, one bounded printable line goes out', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary', maxLength: 200 }), (text) => {
      const clean = cleanLine(text, 50)
      assert.ok(clean.length <= 50)
      // oxlint-disable-next-line no-control-regex -- these are exactly what has to be gone
      assert.doesNotMatch(clean, /[\u0000-\u001f\u007f-\u009f]/)
      const ascii = cleanAsciiLine(text, 50)
      assert.ok(ascii.length <= 50)
      assert.match(ascii, /^[\u0020-\u007e]*$/)
    }),
  )
})

test('edit distance counts insertions, deletions and substitutions', () => {
  assert.equal(editDistance('', ''), 0)
  assert.equal(editDistance('abc', ''), 3)
  assert.equal(editDistance('', 'abc'), 3)
  assert.equal(editDistance('serve', 'sevre'), 2)
  assert.equal(editDistance('kitten', 'sitting'), 3)
})

test('edit distance is symmetric, and zero only for equal words', () => {
  const word = fc.string({ maxLength: 12 })
  fc.assert(
    fc.property(word, word, (left, right) => {
      assert.equal(editDistance(left, right), editDistance(right, left))
      assert.equal(editDistance(left, right) === 0, left === right)
    }),
  )
})

test('the nearest word is a plausible slip, or there is none', () => {
  const words = ['serve', 'config', 'domain', 'recipient', 'explain']
  assert.equal(nearestWord('sevre', words), 'serve')
  assert.equal(nearestWord('CONFIG', words), 'config')
  assert.equal(nearestWord('recepients', words), 'recipient')
  assert.equal(nearestWord('quit', words), undefined)
  assert.equal(nearestWord('ls', ['to', 'ca']), undefined)
  assert.equal(nearestWord('anything', []), undefined)
})
