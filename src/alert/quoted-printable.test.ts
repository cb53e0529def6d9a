import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { encodeQuotedPrintable } from './quoted-printable.ts'

/** The other direction, as RFC 2045 §6.7 has it. */
function decode(lines: readonly string[]): string {
  const text = lines.map((line) => (line.endsWith('=') ? line.slice(0, -1) : line)).join('')
  const plain = text.replace(/=([0-9A-F]{2})/g, (_, hex: string) =>
    String.fromCharCode(Number.parseInt(hex, 16)),
  )
  return Buffer.from(plain, 'latin1').toString()
}

test('plain text stays readable', () => {
  assert.deepEqual(encodeQuotedPrintable('pforte queue show 0D3K'), ['pforte queue show 0D3K'])
  assert.deepEqual(encodeQuotedPrintable(''), [''])
  assert.deepEqual(encodeQuotedPrintable('f\u00fcr a=b '), ['f=C3=BCr a=3Db=20'])
})

test('any line is given back from short seven-bit lines', () => {
  const text = fc.oneof(
    fc.string({ unit: 'grapheme', maxLength: 300 }),
    fc.string({ maxLength: 300 }),
  )
  fc.assert(
    fc.property(text, (line) => {
      const lines = encodeQuotedPrintable(line)
      assert.equal(decode(lines), line.toWellFormed())
      for (const [index, encoded] of lines.entries()) {
        assert.match(encoded, /^[ -~]{0,76}$/)
        assert.equal(encoded.endsWith('='), index < lines.length - 1)
        assert.ok(!encoded.endsWith(' '))
      }
    }),
  )
})
