// How long properties run, and cuts of a byte stream.

import fc from 'fast-check'

const seconds = Number(process.env['PFORTE_FUZZ_SECONDS'] ?? '1.5')

/** For `fc.assert`: bounded by time; a failure prints its seed and path. */
export const timeBoxed: fc.Parameters<unknown> = {
  numRuns: 1_000_000,
  interruptAfterTimeLimit: seconds * 1000,
  markInterruptAsFailure: false,
}

/** Where to cut a stream: each number is the length of one piece, used in turn. */
export const cuts: fc.Arbitrary<number[]> = fc.array(fc.integer({ min: 1, max: 9 }), {
  minLength: 1,
  maxLength: 12,
})

// The whole of `bytes` in pieces.
export function* pieces(bytes: Buffer, lengths: readonly number[]): Generator<Buffer> {
  let offset = 0
  for (let index = 0; offset < bytes.length; index += 1) {
    const length = lengths[index % lengths.length] ?? 1
    yield bytes.subarray(offset, offset + length)
    offset += length
  }
}

/** Bytes that are mostly what a parser of lines trips over. */
export function trickyBytes(...words: readonly string[]): fc.Arbitrary<Buffer> {
  const word = fc.constantFrom('\r', '\n', '.', '\r\n', '\r\n.\r\n', '\0', 'a', 'é', ...words)
  return fc.array(word, { maxLength: 60 }).map((parts) => Buffer.from(parts.join('')))
}
