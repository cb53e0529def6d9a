import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ContentDecoder } from './content-decoder.ts'

interface Found {
  readonly content: string
  readonly rest: string | null
  readonly isBare: boolean
  readonly dots: number
}

function read(chunks: readonly string[]): Found {
  const decoder = new ContentDecoder()
  let content = ''
  let rest: string | null = null
  for (const chunk of chunks) {
    const step = decoder.push(Buffer.from(chunk, 'latin1'))
    content += step.content.toString('latin1')
    rest = step.rest?.toString('latin1') ?? null
  }
  return { content, rest, isBare: decoder.hasBareNewline, dots: decoder.stuffedDotCount }
}

const complete: Readonly<Record<string, readonly [string, Found]>> = {
  'an empty mail': ['.\r\n', { content: '.\r\n', rest: '', isBare: false, dots: 0 }],
  'one line, and the next command': [
    'a\r\n.\r\nQUIT\r\n',
    { content: 'a\r\n.\r\n', rest: 'QUIT\r\n', isBare: false, dots: 0 },
  ],
  'stuffed dots': [
    '..a\r\n..\r\nb.\r\n.\r\n',
    { content: '..a\r\n..\r\nb.\r\n.\r\n', rest: '', isBare: false, dots: 2 },
  ],
  'a bare LF': ['a\nb\r\n.\r\n', { content: 'a\nb\r\n.\r\n', rest: '', isBare: true, dots: 0 }],
  'a bare CR': ['a\rb\r\n.\r\n', { content: 'a\rb\r\n.\r\n', rest: '', isBare: true, dots: 0 }],
}

for (const [name, [wire, expected]] of Object.entries(complete)) {
  test(`${name}, in one piece and cut anywhere`, () => {
    assert.deepEqual(read([wire]), expected)
    for (let at = 1; at < expected.content.length; at += 1) {
      assert.deepEqual(read([wire.slice(0, at), wire.slice(at)]), expected, `cut at ${at}`)
    }
    assert.deepEqual(read(expected.content.split('')).content, expected.content)
  })
}

const smuggled = [
  '\n.\n',
  '\n.\r\n',
  '\r\n.\n',
  '\r.\r',
  '\r.\r\n',
  '\r\n.\r',
  '\r\n.\r\r\n',
  '\r\n.\0\r\n',
  '\r\n..\r\n',
]

for (const mark of smuggled) {
  test(`${JSON.stringify(mark)} does not end the content`, () => {
    const wire = `a${mark}MAIL FROM:<b@c.example>\r\n`
    assert.equal(read([wire]).rest, null)
    assert.equal(read(wire.split('')).rest, null)
  })
}

test('a CR at the end of a chunk is judged with the next one', () => {
  assert.equal(read(['a\r']).isBare, false)
  assert.equal(read(['a\r', '\nb']).isBare, false)
  assert.equal(read(['a\r', 'b']).isBare, true)
  assert.equal(read(['a\r', '', '\nb']).isBare, false)
})
