// SMTP smuggling, exhaustively and in memory: every text of up to six of CR, LF, NUL, dot and a letter as the
// content, cut at every byte. A mail ends at CR LF . CR LF and nowhere else, and nothing that is handed over
// has a CR or LF on its own or could end the mail at the next server before its end.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ChunkDecoder } from '#smtp/chunk-decoder.ts'
import { ContentDecoder, type WireDecoder } from '#smtp/content-decoder.ts'
import { NormalizingDecoder } from '#smtp/normalizing-decoder.ts'
import {
  expectedOfChunks,
  expectedOfData,
  textsOf,
  waysToCut,
  type ExpectedContent,
} from '../support/content-oracle.ts'

const alphabet = ['\r', '\n', '.', '\0', 'a']
const maxLength = 5
/** With it every stream of DATA has an end, and something behind it. */
const trueEnd = '\r\n.\r\nQUIT\r\n'

function* allTexts(): Generator<string> {
  for (let length = 0; length <= maxLength; length += 1) yield* textsOf(alphabet, length)
}

function read(decoder: WireDecoder, pieces: readonly string[]): ExpectedContent {
  let wire = ''
  let rest: string | null = null
  for (const piece of pieces) {
    if (rest !== null) rest += piece
    else {
      const step = decoder.push(Buffer.from(piece, 'latin1'))
      wire += step.content.toString('latin1')
      rest = step.rest?.toString('latin1') ?? null
    }
  }
  return { wire, rest, isBare: decoder.hasBareNewline }
}

function check(actual: ExpectedContent, expected: ExpectedContent | null, what: string): void {
  // The quick comparison; the slow one only says what differs.
  const isSame =
    actual.wire === expected?.wire &&
    actual.rest === expected.rest &&
    actual.isBare === expected.isBare
  if (!isSame) assert.deepEqual(actual, expected, what)
}

/** What a server behind sees: one mail, whatever it takes for a line end. */
function assertHarmless({ wire, isBare }: ExpectedContent, what: string): void {
  if (isBare) return // refused, so nobody sees it
  const text = `\r\n${wire}`
  if (text.indexOf('\r\n.\r\n') !== text.length - 5) assert.fail(`ends early: ${what}`)
  const lines = text.split('\r\n')
  if (lines.some((line) => line.includes('\r') || line.includes('\n'))) {
    assert.fail(`a bare newline goes out: ${what}`)
  }
}

for (const isNormalizing of [false, true]) {
  const setting = isNormalizing ? 'normalised' : 'refused'

  test(`DATA, bare newlines ${setting}: every text, cut everywhere`, () => {
    for (const text of allTexts()) {
      const stream = text + trueEnd
      const expected = expectedOfData(stream, isNormalizing)
      for (const pieces of waysToCut(stream)) {
        const decoder = isNormalizing ? new NormalizingDecoder() : new ContentDecoder()
        const actual = read(decoder, pieces)
        check(actual, expected, JSON.stringify(pieces))
        assertHarmless(actual, JSON.stringify(pieces))
      }
    }
  })

  test(`BDAT, bare newlines ${setting}: every text, cut everywhere, into chunks and into packets`, () => {
    for (const text of allTexts()) {
      const expected = expectedOfChunks(text, isNormalizing)
      for (const pieces of waysToCut(text)) {
        const what = JSON.stringify(pieces)
        const packets = new ChunkDecoder(isNormalizing)
        packets.announce(text.length, true)
        check(read(packets, pieces), expected, `packets ${what}`)
        const chunks = readChunks(pieces, isNormalizing)
        check(chunks, expected, `chunks ${what}`)
        assertHarmless(chunks, what)
      }
    }
  })
}

function readChunks(chunks: readonly string[], isNormalizing: boolean): ExpectedContent {
  const decoder = new ChunkDecoder(isNormalizing)
  let wire = ''
  let rest: string | null = null
  for (const [index, chunk] of chunks.entries()) {
    decoder.announce(chunk.length, index === chunks.length - 1)
    const step = decoder.push(Buffer.from(chunk, 'latin1'))
    wire += step.content.toString('latin1')
    rest = step.rest?.toString('latin1') ?? null
  }
  if (chunks.length === 0) {
    decoder.announce(0, true)
    wire += decoder.push(Buffer.alloc(0)).content.toString('latin1')
    rest = ''
  }
  return { wire, rest, isBare: decoder.hasBareNewline }
}

test('no text of CR, LF, NUL and dots but CR LF . CR LF ends DATA', () => {
  for (let length = 1; length <= 6; length += 1) {
    for (const text of textsOf(['\r', '\n', '.', '\0'], length)) {
      const decoder = new ContentDecoder()
      const { rest } = decoder.push(Buffer.from(`a${text}MAIL FROM:<b@c.example>`, 'latin1'))
      if (rest !== null && !text.includes('\r\n.\r\n')) assert.fail(JSON.stringify(text))
    }
  }
})
