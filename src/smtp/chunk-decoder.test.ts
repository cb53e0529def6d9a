import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ChunkDecoder } from './chunk-decoder.ts'

interface Read {
  readonly wire: string
  readonly rest: string
  readonly isBare: boolean
  readonly isComplete: boolean
  readonly dots: number
}

/** Each chunk by its pieces; what one piece has too much is for the next chunk. */
function read(chunks: readonly (readonly string[])[], isNormalizing = false): Read {
  const decoder = new ChunkDecoder(isNormalizing)
  let wire = ''
  let rest = ''
  for (const [index, pieces] of chunks.entries()) {
    decoder.announce(pieces.join('').length, index === chunks.length - 1)
    for (const piece of pieces.length === 0 ? [''] : pieces) {
      const step = decoder.push(Buffer.from(piece, 'latin1'))
      wire += step.content.toString('latin1')
      rest = step.rest?.toString('latin1') ?? 'null'
    }
  }
  const { hasBareNewline: isBare, isComplete, stuffedDotCount: dots } = decoder
  return { wire, rest, isBare, isComplete, dots }
}

const fine = { rest: '', isBare: false, isComplete: true, dots: 0 }
const cases: Readonly<Record<string, readonly [readonly string[], Read]>> = {
  'nothing at all': [[''], { ...fine, wire: '.\r\n' }],
  'one chunk': [['a\r\n'], { ...fine, wire: 'a\r\n.\r\n' }],
  'no line end at the end: it gets one': [['a'], { ...fine, wire: 'a\r\n.\r\n' }],
  'a dot alone': [['.'], { ...fine, wire: '..\r\n.\r\n', dots: 1 }],
  'what looks like an end mark': [
    ['a\r\n.\r\nb\r\n'],
    { ...fine, wire: 'a\r\n..\r\nb\r\n.\r\n', dots: 1 },
  ],
  'dots everywhere': [
    ['..\r\n.a\r\n.', '.b.\r\n'],
    { ...fine, wire: '...\r\n..a\r\n...b.\r\n.\r\n', dots: 3 },
  ],
  'a line end over two chunks': [['a\r', '\n.b'], { ...fine, wire: 'a\r\n..b\r\n.\r\n', dots: 1 }],
  'a last chunk without octets': [['a\r\n', ''], { ...fine, wire: 'a\r\n.\r\n' }],
  'a CR at the very end': [['a\r'], { ...fine, wire: 'a\r\r\n.\r\n', isBare: true }],
  'a LF on its own': [['a\nb'], { ...fine, wire: 'a\nb\r\n.\r\n', isBare: true }],
  'a CR on its own': [['a\rb'], { ...fine, wire: 'a\rb\r\n.\r\n', isBare: true }],
  'a NUL is content': [['a\0b\r\n'], { ...fine, wire: 'a\0b\r\n.\r\n' }],
}

for (const [name, [chunks, expected]] of Object.entries(cases)) {
  test(`${name}, in one piece and byte by byte`, () => {
    assert.deepEqual(read(chunks.map((chunk) => [chunk])), expected)
    assert.deepEqual(read(chunks.map((chunk) => chunk.split(''))), expected)
  })
}

test('what lies behind a chunk is none of it', () => {
  const decoder = new ChunkDecoder(false)
  decoder.announce(3, false)
  assert.equal(decoder.push(Buffer.from('ab')).rest, null)
  const { content, rest } = decoder.push(Buffer.from('cBDAT 1\r\n.'))
  assert.deepEqual([content.toString(), rest?.toString()], ['c', 'BDAT 1\r\n.'])
  assert.equal(decoder.isComplete, false)
})

test('octets that need no change are not copied', () => {
  const decoder = new ChunkDecoder(false)
  decoder.announce(100, false)
  const octets = Buffer.from('Subject: x\r\n\r\nA line.\r\n')
  assert.equal(decoder.push(octets).content, octets)
})

test('normalised: LF becomes CR LF, CR a space, a line that is then a dot is stuffed', () => {
  for (const [octets, wire] of [
    ['a\nb\n', 'a\r\nb\r\n.\r\n'],
    ['a\rb\r', 'a b \r\n.\r\n'],
    ['a\n.\nb', 'a\r\n..\r\nb\r\n.\r\n'],
    ['\n.', '\r\n..\r\n.\r\n'],
    ['a\r\r\n.\r\r\n', 'a \r\n.. \r\n.\r\n'],
  ] as const) {
    const whole = read([[octets]], true)
    assert.deepEqual([whole.wire, whole.isBare, whole.isComplete], [wire, false, true])
    assert.deepEqual(read([octets.split('')], true), whole)
    assert.deepEqual(read([[octets.slice(0, 2)], [octets.slice(2)]], true).wire, wire)
  }
})
