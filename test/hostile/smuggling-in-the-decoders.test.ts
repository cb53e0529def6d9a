// SMTP smuggling, exhaustively and in memory: every text of up to six of CR, LF, NUL, dot and a letter as the
// content, cut at every byte; of up to four, in every way there is to cut it and the end behind it. A mail ends at
// CR LF . CR LF and nowhere else, and nothing that is handed over has a CR or LF on its own or could end the mail
// at the next server before its end.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ChunkDecoder } from '#smtp/chunk-decoder.ts'
import { ContentDecoder, type WireDecoder } from '#smtp/content-decoder.ts'
import { NormalizingDecoder } from '#smtp/normalizing-decoder.ts'
import {
  expectedOfChunks,
  expectedOfData,
  textsOf,
  allWaysToCut,
  waysToCut,
  type ExpectedContent,
} from '../support/content-oracle.ts'

const alphabet = ['\r', '\n', '.', '\0', 'a']
const maxLength = 6
/** For every way to cut: 2^(n - 1) ways of n characters. */
const maxCutLength = 4
/** With it every stream of DATA has an end, and something behind it. */
const trueEnd = '\r\n.\r\nQUIT\r\n'

function* allTexts(longest = maxLength): Generator<string> {
  for (let length = 0; length <= longest; length += 1) yield* textsOf(alphabet, length)
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

  test(`DATA, bare newlines ${setting}: every way to cut`, () => {
    let count = 0
    for (const text of allTexts(maxCutLength)) {
      const stream = `${text}\r\n.\r\nQ`
      const expected = expectedOfData(stream, isNormalizing)
      for (const pieces of allWaysToCut(stream)) {
        const decoder = isNormalizing ? new NormalizingDecoder() : new ContentDecoder()
        check(read(decoder, pieces), expected, stream)
        count += 1
      }
    }
    assert.equal(count, 5 ** 4 * 2 ** 9 + 5 ** 3 * 2 ** 8 + 5 ** 2 * 2 ** 7 + 5 * 2 ** 6 + 2 ** 5)
  })

  test(`BDAT, bare newlines ${setting}: every text, cut everywhere, into chunks and into packets`, () => {
    for (const text of allTexts()) {
      const cuts = text.length <= maxCutLength ? allWaysToCut(text) : waysToCut(text)
      const expected = expectedOfChunks(text, isNormalizing)
      for (const pieces of cuts) {
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
