import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ReplyDecoder, type DecodedReply } from './reply-decoder.ts'

function readAll(wire: Buffer | string): readonly DecodedReply[] {
  const decoder = new ReplyDecoder()
  decoder.push(Buffer.from(wire))
  const found: DecodedReply[] = []
  for (let next = decoder.next(); next !== null; next = decoder.next()) found.push(next)
  return found
}

type Expected = readonly [code: number, status: string | null, lines: readonly string[]]

const replies: Readonly<Record<string, readonly [string, Expected]>> = {
  'one line': ['250 Ok\r\n', [250, null, ['Ok']]],
  'only a code': ['250\r\n', [250, null, ['']]],
  'code and space': ['250 \r\n', [250, null, ['']]],
  'several lines': ['250-a\r\n250-\r\n250 b\r\n', [250, null, ['a', '', 'b']]],
  'a status': ['550 5.1.1 no\r\n', [550, '5.1.1', ['no']]],
  'a status alone': ['550 5.1.1\r\n', [550, '5.1.1', ['']]],
  'a status on each line': ['550-5.1.1 a\r\n550 5.1.1 b\r\n', [550, '5.1.1', ['a', 'b']]],
  'a status on the first line only': ['550-5.1.1 a\r\n550 b\r\n', [550, '5.1.1', ['a', 'b']]],
  'another status later stays': [
    '550-5.1.1 a\r\n550 5.7.1 b\r\n',
    [550, '5.1.1', ['a', '5.7.1 b']],
  ],
  'a status of another class is text': ['450 5.1.1 no\r\n', [450, null, ['5.1.1 no']]],
  'what only begins like one is text': ['550 5.1.1.2 no\r\n', [550, null, ['5.1.1.2 no']]],
  'UTF-8': ['550 gibt’s nicht\r\n', [550, null, ['gibt’s nicht']]],
}

for (const [name, [wire, [code, status, lines]]] of Object.entries(replies)) {
  test(name, () => {
    assert.deepEqual(readAll(wire), [{ kind: 'reply', reply: { code, status, lines } }])
  })
}

const malformed: Readonly<Record<string, readonly [string, RegExp]>> = {
  'LF alone': ['250 Ok\n', /CR LF/],
  'an empty line': ['\r\n', /not a reply/],
  'a line of text': ['hello\r\n', /not a reply: hello/],
  'a code of 1yz': ['150 x\r\n', /not a reply/],
  'a code of 6yz': ['600 x\r\n', /not a reply/],
  'four digits': ['2500 x\r\n', /not a reply/],
  'a bare CR, which could hide a second reply': ['250 a\r550 b\r\n', /not a reply/],
  NUL: ['250 a\0\r\n', /not a reply/],
  'two codes': ['250-a\r\n550 b\r\n', /two codes: 250 and 550/],
  'a line without end': [`250 ${'x'.repeat(3000)}`, /too long/],
  'a long line': [`250 ${'x'.repeat(3000)}\r\n`, /too long/],
  'a reply without end': ['250-x\r\n'.repeat(129), /does not end/],
}

for (const [name, [wire, detail]] of Object.entries(malformed)) {
  test(`malformed: ${name}`, () => {
    const [only, ...more] = readAll(wire)
    assert.deepEqual(more, [])
    assert.ok(only?.kind === 'malformed')
    assert.match(only.detail, detail)
  })
}

test('after a malformed reply nothing more is believed', () => {
  assert.deepEqual(
    readAll('hello\r\n250 Ok\r\n').map(({ kind }) => kind),
    ['malformed'],
  )
})

test('what has begun is pending, what was taken is not', () => {
  const decoder = new ReplyDecoder()
  assert.equal(decoder.isPending, false)
  decoder.push(Buffer.from('250-a\r\n'))
  assert.equal(decoder.next(), null)
  assert.equal(decoder.isPending, true)
  decoder.push(Buffer.from('250 b\r\n2'))
  assert.equal(decoder.next()?.kind, 'reply')
  assert.equal(decoder.isPending, true)
  decoder.push(Buffer.from('20 x\r\n'))
  assert.equal(decoder.next()?.kind, 'reply')
  assert.equal(decoder.isPending, false)
})

test('what follows a malformed reply is not kept', () => {
  const decoder = new ReplyDecoder()
  decoder.push(Buffer.from('hello\r\n'))
  assert.equal(decoder.next()?.kind, 'malformed')
  for (let count = 0; count < 1000; count += 1) decoder.push(Buffer.alloc(65_536, 0x32))
  assert.equal(decoder.isPending, false)
  assert.equal(decoder.next(), null)
})
