import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { test } from 'node:test'
import fc from 'fast-check'
import { ContentReceiver, type ReceivedContent } from './content-receiver.ts'

function receive(pieces: readonly Buffer[]): { mail: ReceivedContent; rest: string } | null {
  const receiver = new ContentReceiver(Infinity)
  for (const [index, piece] of pieces.entries()) {
    const rest = receiver.push(piece)
    if (rest === null) continue
    const all = Buffer.concat([rest, ...pieces.slice(index + 1)])
    return { mail: receiver.finish(), rest: all.toString('latin1') }
  }
  return null
}

const cases: readonly (readonly [string, string, string, string])[] = [
  ['a plain mail', 'A: b\r\n\r\nhi\r\n.\r\n', 'A: b\r\n\r\nhi\r\n', ''],
  ['an empty mail', '.\r\n', '', ''],
  ['commands behind the end', 'x\r\n.\r\nQUIT\r\n', 'x\r\n', 'QUIT\r\n'],
  ['a stuffed first line', '..x\r\n.\r\n', '.x\r\n', ''],
  ['a line that is a dot', 'x\r\n..\r\n.\r\n', 'x\r\n.\r\n', ''],
  ['a dot the client forgot to stuff', 'x\r\n.y\r\n.\r\n', 'x\r\ny\r\n', ''],
  ['dots within a line', 'a.b..c\r\n.\r\n', 'a.b..c\r\n', ''],
  ['LF . LF, which is no end', 'x\n.\ny\r\n.\r\n', 'x\n.\ny\r\n', ''],
  ['CR LF . LF, which is no end', 'x\r\n.\ny\r\n.\r\n', 'x\r\n\ny\r\n', ''],
  ['CR LF . CR x, which is no end', 'x\r\n.\rx\r\n.\r\n', 'x\r\n\rx\r\n', ''],
]

for (const [name, wire, content, rest] of cases) {
  test(`content: ${name}, whole and byte by byte`, () => {
    const bytes = Buffer.from(wire, 'latin1')
    for (const pieces of [[bytes], Array.from(bytes, (byte) => Buffer.of(byte))]) {
      const received = receive(pieces)
      assert.equal(received?.mail.content?.toString('latin1'), content)
      assert.equal(received.rest, rest)
      assert.equal(received.mail.wire?.toString('latin1') + rest, wire)
      assert.equal(received.mail.sha256, createHash('sha256').update(content).digest('hex'))
      assert.equal(received.mail.sizeBytes, content.length)
    }
  })
}

test('without the final dot there is no end', () => {
  assert.equal(receive([Buffer.from('x\r\n.'), Buffer.from('\r')]), null)
})

test('what is stuffed comes out again, however it is cut', () => {
  const lines = fc.array(fc.string({ unit: fc.constantFrom('.', 'a', '\r', '\n', ' ') }))
  fc.assert(
    fc.property(lines, fc.infiniteStream(fc.integer({ min: 1, max: 9 })), (parts, cuts) => {
      const content = parts.map((part) => `${part}\r\n`).join('')
      const stuffed = content.replaceAll(/(^|\r\n)\./g, '$1..')
      const wire = Buffer.from(`${stuffed}.\r\nrest`)
      const pieces: Buffer[] = []
      for (let offset = 0; offset < wire.length;) {
        const length = cuts.next().value ?? 1
        pieces.push(wire.subarray(offset, offset + length))
        offset += length
      }
      const received = receive(pieces)
      assert.equal(received?.mail.content?.toString(), content)
      assert.equal(received.rest, 'rest')
    }),
  )
})

test('content beyond what is kept is counted and hashed, and its header can be read', () => {
  const receiver = new ContentReceiver(100)
  const content = `Subject: x\r\n\r\n${'line\r\n'.repeat(50_000)}`
  assert.equal(receiver.push(Buffer.from(content)), null)
  assert.equal(receiver.push(Buffer.from('.\r\n'))?.length, 0)
  const mail = receiver.finish()
  assert.equal(mail.content, null)
  assert.equal(mail.wire, null)
  assert.equal(mail.sizeBytes, content.length)
  assert.equal(mail.headerText, 'Subject: x\r\n')
  assert.equal(mail.sha256, createHash('sha256').update(content).digest('hex'))
})
