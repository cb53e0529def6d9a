import assert from 'node:assert/strict'
import { test } from 'node:test'
import { traceContent, type StoredContent } from './content.ts'

const received = 'Received: from x\r\n\tby y; now\r\n'
const text = 'A: 1\r\nB: 2\r\nC: 3\r\n\r\nText.\r\n.\r\n'

/** Content that gives its pieces at once, or as a promise, as a file does. */
function storedContent(isFile: boolean, pieceBytes = 1000, all = text): StoredContent {
  const bytes = Buffer.from(all)
  return {
    sizeBytes: bytes.length,
    head: bytes,
    openFrom: (offset) => {
      let position = offset
      const next = (): readonly Buffer[] | null => {
        if (position >= bytes.length) return null
        const piece = bytes.subarray(position, position + pieceBytes)
        position += pieceBytes
        return [piece]
      }
      return { next: isFile ? async () => next() : next, close: () => undefined }
    },
  }
}

async function readAll(content: ReturnType<typeof traceContent>): Promise<string> {
  const reader = content.open()
  const pieces: Buffer[] = []
  for (;;) {
    const next = await reader.next()
    if (next === null) break
    assert.ok(next.length > 0)
    pieces.push(...next)
  }
  reader.close()
  return Buffer.concat(pieces).toString()
}

const cutB = { start: text.indexOf('B:'), end: text.indexOf('C:') }
const cutA = { start: 0, end: cutB.start }
const cutC = { start: cutB.end, end: text.indexOf('\r\n\r\n') + 2 }

for (const isFile of [false, true]) {
  for (const [name, cuts, wanted] of [
    ['nothing cut', [], text],
    ['the first field cut', [cutA], text.slice(cutA.end)],
    ['the middle one cut', [cutB], text.replace('B: 2\r\n', '')],
    ['two apart', [cutA, cutC], 'B: 2\r\n\r\nText.\r\n.\r\n'],
    ['all', [cutA, cutB, cutC], '\r\nText.\r\n.\r\n'],
  ] as const) {
    test(`${name}, ${isFile ? 'from a file' : 'from memory'}`, async () => {
      const content = traceContent(storedContent(isFile, 5), received, cuts)
      assert.equal(await readAll(content), received + wanted)
      assert.equal(content.sizeBytes, (received + wanted).length)
      // Each next hop reads it anew.
      assert.equal(await readAll(content), received + wanted)
    })
  }
}

test('what is in memory goes out with the trace field, as one list', () => {
  const reader = traceContent(storedContent(false), received, []).open()
  const pieces = reader.next()
  assert.ok(Array.isArray(pieces))
  assert.equal(Buffer.concat(pieces).toString(), received + text)
  assert.equal(reader.next(), null)
})

test('a first line that begins with white space does not go on with the trace field', async () => {
  for (const line of [' (forged)', '\tby z', '. x', '.\tx']) {
    const all = `${line}\r\nA: 1\r\n\r\nText.\r\n.\r\n`
    const content = traceContent(storedContent(false, 1000, all), received, [])
    const wire = await readAll(content)
    assert.equal(wire, `${received}\r\n${all}`)
    assert.equal(content.sizeBytes, wire.length)
  }
  for (const line of ['A: 1', '..x', '.', 'x']) {
    const all = `${line}\r\n\r\nText.\r\n.\r\n`
    const wire = await readAll(traceContent(storedContent(false, 1000, all), received, []))
    assert.equal(wire, received + all)
  }
})
