import assert from 'node:assert/strict'
import { test } from 'node:test'
import { DotDecoder } from './dot-decoder.ts'

function decode(chunks: readonly string[]): string {
  const decoder = new DotDecoder()
  const pieces = chunks.flatMap((chunk) => decoder.push(Buffer.from(chunk)))
  return Buffer.concat([...pieces, ...decoder.finish()]).toString()
}

const cases: readonly (readonly [name: string, wire: string, message: string])[] = [
  ['no dots', 'a\r\nb\r\n.\r\n', 'a\r\nb\r\n'],
  ['an empty content', '.\r\n', ''],
  ['one empty line', '\r\n.\r\n', '\r\n'],
  ['a line that is a dot', 'a\r\n..\r\n.\r\n', 'a\r\n.\r\n'],
  ['the first line', '..a\r\nb\r\n.\r\n', '.a\r\nb\r\n'],
  ['several dots', 'a\r\n....\r\n...b\r\nc.d\r\n.\r\n', 'a\r\n...\r\n..b\r\nc.d\r\n'],
  ['the last line begins with a dot', 'a\r\n..b\r\n.\r\n', 'a\r\n.b\r\n'],
  ['a header section without an end mark', 'A: b\r\n..c\r\n', 'A: b\r\n.c\r\n'],
  ['it ends in a dot', 'A: b\r\n.', 'A: b\r\n'],
  ['nothing at all', '', ''],
]

for (const [name, wire, message] of cases) {
  test(`${name}: whole, byte by byte, and cut in two anywhere`, () => {
    assert.equal(decode([wire]), message)
    assert.equal(decode(wire.split('')), message)
    for (let at = 0; at <= wire.length; at += 1) {
      assert.equal(decode([wire.slice(0, at), wire.slice(at)]), message, `cut at ${at}`)
    }
  })
}
