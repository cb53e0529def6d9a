import assert from 'node:assert/strict'
import { test } from 'node:test'
import { LineLengthWatch } from './line-length-watch.ts'

/** In pieces of so many bytes. */
function isTooLong(text: string, maxBytes: number, pieceBytes: number): boolean {
  const watch = new LineLengthWatch(maxBytes)
  const wire = Buffer.from(text)
  for (let from = 0; from < wire.length; from += pieceBytes) {
    if (watch.see(wire.subarray(from, from + pieceBytes))) return true
  }
  return false
}

const cases: Readonly<Record<string, readonly [string, boolean]>> = {
  'nothing but the end mark': ['.\r\n', false],
  'lines of just that length': ['1234567890\r\n1234567890\r\n.\r\n', false],
  'one byte more in the first line': ['12345678901\r\n.\r\n', true],
  'one byte more in the last line': ['1\r\n\r\n12345678901\r\n.\r\n', true],
  'short lines that are longer together': ['12345\r\n'.repeat(50) + '.\r\n', false],
  // RFC 5321 §4.5.3.1.6: the dot that was put in front does not count.
  'a stuffed dot is not of the line': ['..234567890\r\n.\r\n', false],
  'a stuffed dot and one byte more': ['1\r\n..2345678901\r\n.\r\n', true],
  'a dot elsewhere counts': ['1.345678901\r\n.\r\n', true],
  'a line without end': ['1'.repeat(200), true],
  'many empty lines': ['\r\n'.repeat(100) + '.\r\n', false],
}

for (const [name, [text, expected]] of Object.entries(cases)) {
  test(`${name}, wherever it is cut`, () => {
    for (let pieceBytes = 1; pieceBytes <= text.length; pieceBytes += 1) {
      assert.equal(isTooLong(text, 10, pieceBytes), expected, `pieces of ${pieceBytes}`)
    }
  })
}

test('chance texts: as a search line by line finds it', () => {
  const random = (below: number): number => Math.floor(Math.random() * below)
  for (let round = 0; round < 2000; round += 1) {
    const lines = Array.from({ length: 1 + random(8) }, () => 'x'.repeat(random(14)))
    const text = `${lines.map((line) => `${line}\r\n`).join('')}.\r\n`
    const expected = lines.some((line) => line.length > 10)
    const pieceBytes = 1 + random(30)
    assert.equal(isTooLong(text, 10, pieceBytes), expected, `${JSON.stringify(text)} ${pieceBytes}`)
  }
})
