import assert from 'node:assert/strict'
import { test } from 'node:test'
import { NormalizingDecoder } from './normalizing-decoder.ts'

function read(pieces: readonly string[]): { wire: string; rest: string | null; dots: number } {
  const decoder = new NormalizingDecoder()
  let wire = ''
  let rest: string | null = null
  for (const piece of pieces) {
    const step = decoder.push(Buffer.from(piece, 'latin1'))
    wire += step.content.toString('latin1')
    rest = step.rest?.toString('latin1') ?? null
  }
  assert.equal(decoder.isComplete, rest !== null)
  assert.equal(decoder.hasBareNewline, false)
  return { wire, rest, dots: decoder.stuffedDotCount }
}

const cases: Readonly<Record<string, readonly [string, string, number]>> = {
  'nothing to do': ['a\r\n..b\r\n.\r\n', 'a\r\n..b\r\n.\r\n', 1],
  'an empty mail': ['.\r\n', '.\r\n', 0],
  LF: ['a\nb\n\r\n.\r\n', 'a\r\nb\r\n\r\n.\r\n', 0],
  CR: ['a\rb\r\r\n.\r\n', 'a b \r\n.\r\n', 0],
  'LF . LF is a line with a dot': ['a\n.\nb\r\n.\r\n', 'a\r\n..\r\nb\r\n.\r\n', 1],
  'LF . CR LF': ['a\n.\r\nb\r\n.\r\n', 'a\r\n..\r\nb\r\n.\r\n', 1],
  'CR LF . LF': ['a\r\n.\nb\r\n.\r\n', 'a\r\n..\r\nb\r\n.\r\n', 1],
  '. LF at the very start': ['.\nb\r\n.\r\n', '..\r\nb\r\n.\r\n', 1],
  'one right behind the other, and the true end': [
    '\n.\n.\r\n.\n\r\n.\r\n',
    '\r\n..\r\n..\r\n..\r\n\r\n.\r\n',
    3,
  ],
  'a lone dot right before the end mark': ['\n.\r\n.\r\n', '\r\n..\r\n.\r\n', 1],
  'CR . CR': ['a\r.\rb\r\n.\r\n', 'a . b\r\n.\r\n', 0],
  'CR LF . CR': ['a\r\n.\rb\r\n.\r\n', 'a\r\n. b\r\n.\r\n', 1],
}

for (const [name, [stream, wire, dots]] of Object.entries(cases)) {
  test(`${name}, in one piece and cut anywhere`, () => {
    const expected = { wire, rest: '', dots }
    assert.deepEqual(read([stream]), expected)
    assert.deepEqual(read(stream.split('')), expected)
    for (let at = 1; at < stream.length; at += 1) {
      assert.deepEqual(read([stream.slice(0, at), stream.slice(at)]), expected, `cut at ${at}`)
    }
  })
}

test('what lies behind the end is left alone', () => {
  assert.deepEqual(read(['a\n\r\n.\r\nNOOP\n']), {
    wire: 'a\r\n\r\n.\r\n',
    rest: 'NOOP\n',
    dots: 0,
  })
})
