import assert from 'node:assert/strict'
import { test } from 'node:test'
import { noExtensions, parseExtensions } from './extensions.ts'

test('the greeting line is no extension, whatever it says', () => {
  assert.deepEqual(parseExtensions(['PIPELINING']), noExtensions)
  assert.deepEqual(parseExtensions([]), noExtensions)
})

test('keywords count in either case, and all are kept as they came', () => {
  const keywords = ['pipelining', '8BITMIME', 'SmtpUtf8', 'STARTTLS', 'ENHANCEDSTATUSCODES']
  assert.deepEqual(parseExtensions(['mail.inst.example', ...keywords, 'CHUNKING', 'X-ODD 1']), {
    pipelining: true,
    eightBitMime: true,
    smtpUtf8: true,
    startTls: true,
    enhancedStatusCodes: true,
    chunking: true,
    xclient: [],
    size: null,
    keywords: [...keywords, 'CHUNKING', 'X-ODD 1'],
  })
})

test('a keyword within another word is not that keyword', () => {
  const found = parseExtensions(['x', 'XPIPELINING', 'STARTTLSX', 'AUTH STARTTLS'])
  assert.equal(found.pipelining, false)
  assert.equal(found.startTls, false)
})

const sizes: readonly (readonly [string, number])[] = [
  ['SIZE 10240000', 10_240_000],
  ['size=5', 5],
  ['SIZE', 0],
  ['SIZE 0', 0],
  ['SIZE many', 0],
  ['SIZE -1', 0],
  ['SIZE 99999999999999999999', 0], // more than a number holds is no limit
]

for (const [line, bytes] of sizes) {
  test(`${line} is a limit of ${bytes}`, () => {
    assert.equal(parseExtensions(['x', line]).size, bytes)
  })
}
