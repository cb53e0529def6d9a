// What a next hop offers in its reply to EHLO: nothing that it did not say, and a size that is a number.

import assert from 'node:assert/strict'
import { parseExtensions } from '#smtp/extensions.ts'
import type { FuzzTarget } from '../target.ts'

const keywords = {
  pipelining: 'PIPELINING',
  eightBitMime: '8BITMIME',
  smtpUtf8: 'SMTPUTF8',
  startTls: 'STARTTLS',
  enhancedStatusCodes: 'ENHANCEDSTATUSCODES',
  chunking: 'CHUNKING',
} as const

export const extensions: FuzzTarget = {
  name: 'extensions',
  words: [
    'mail.inst.example\n',
    ...Object.values(keywords),
    'SIZE',
    'size',
    ' ',
    '=',
    '\n',
    '52428800',
    '-1',
    '1e9',
    '9'.repeat(40),
    'XCLIENT NAME ADDR',
    'AUTH=PLAIN',
    '__proto__',
    '\t',
    '\u001b[2J',
  ],
  check: (bytes) => {
    const lines = bytes.toString('latin1').split('\n')
    const found = parseExtensions(lines)
    const first = new Set(
      lines.slice(1).map((line) => line.trim().split(/[ =]/)[0]?.toUpperCase() ?? ''),
    )
    for (const [name, keyword] of Object.entries(keywords)) {
      assert.equal(found[name as keyof typeof keywords], first.has(keyword), keyword)
    }
    const { size, xclient } = found
    if (!first.has('SIZE')) assert.equal(size, null)
    else assert.ok(size !== null && Number.isSafeInteger(size) && size >= 0)
    if (!first.has('XCLIENT')) assert.deepEqual(xclient, [])
    assert.deepEqual(found.keywords, lines.slice(1))
  },
}
