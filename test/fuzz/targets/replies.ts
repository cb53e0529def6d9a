// What a next hop says. The reference reads the whole with one regular expression.

import assert from 'node:assert/strict'
import { ReplyDecoder, type DecodedReply } from '#smtp/reply-decoder.ts'
import { packets, type FuzzTarget } from '../target.ts'

function repliesOf(pieces: readonly Buffer[]): readonly DecodedReply[] {
  const decoder = new ReplyDecoder()
  const replies: DecodedReply[] = []
  for (const piece of pieces) {
    decoder.push(piece)
    for (let next = decoder.next(); next !== null; next = decoder.next()) replies.push(next)
  }
  return replies
}

const one = /^(?:([2-5]\d\d)-[^\r\n\0]*\r\n)*([2-5]\d\d)(?: [^\r\n\0]*)?\r\n/

/** The replies as they can be read from the start; `isBroken`: then comes what cannot become one. */
function reference(text: string): readonly string[] {
  const replies: string[] = []
  let rest = text
  for (let match = one.exec(rest); match !== null; match = one.exec(rest)) {
    const codes = match[0]
      .split('\r\n')
      .slice(0, -1)
      .map((line) => line.slice(0, 3))
    const isOne = codes.every((code) => code === codes[0])
    const isBounded =
      codes.length <= 128 && match[0].split('\r\n').every(({ length }) => length <= 2047)
    if (!isOne || !isBounded) break
    replies.push(match[0])
    rest = rest.slice(match[0].length)
  }
  return replies
}

export const replies: FuzzTarget = {
  name: 'replies',
  words: [
    '250 Ok\r\n',
    '250-a\r\n',
    '250\r\n',
    '550 5.1.1 no\r\n',
    '550-5.1.1 no\r\n',
    '354 go\r\n',
    '421 ',
    '2',
    '25',
    '250',
    '-',
    ' ',
    '2.0.0 ',
    '5.1.1',
    '999 ',
    '199 ',
    '\x1b[31m',
    '\xff',
    '\xc3\xa9',
    'x'.repeat(1000),
    '\r\n',
    '\n',
    '\r',
    '\0',
    '250-'.concat('y'.repeat(500), '\r\n'),
    '220 x ESMTP\r\n',
  ],
  check: (bytes, cut) => {
    const whole = repliesOf([bytes])
    assert.deepEqual(repliesOf(packets(bytes, cut)), whole)
    const broken = whole.findIndex(({ kind }) => kind === 'malformed')
    assert.ok(broken < 0 || broken === whole.length - 1, 'something behind a malformed reply')
    const expected = reference(bytes.toString('latin1'))
    const understood = whole.filter(({ kind }) => kind === 'reply')
    assert.equal(understood.length, expected.length)
    for (const [index, decoded] of understood.entries()) {
      if (decoded.kind !== 'reply') continue
      const { code, lines, status } = decoded.reply
      assert.equal(String(code), expected[index]?.slice(0, 3))
      assert.equal(lines.length, (expected[index]?.split('\r\n').length ?? 0) - 1)
      if (status !== null) assert.equal(status[0], String(code)[0])
      for (const line of lines) assert.doesNotMatch(line, /[\r\n\0]/) // oxlint-disable-line no-control-regex -- the point
    }
  },
}
