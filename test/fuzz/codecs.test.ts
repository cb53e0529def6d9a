// However a stream is cut into packets, the same is read from it; and what is written can be read back.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { ChunkDecoder } from '#smtp/chunk-decoder.ts'
import { ContentDecoder, type WireDecoder } from '#smtp/content-decoder.ts'
import { LineDecoder, type DecodedLine } from '#smtp/line-decoder.ts'
import { NormalizingDecoder } from '#smtp/normalizing-decoder.ts'
import { parseMailbox } from '#smtp/parse-path.ts'
import { encodeMailbox } from '#smtp/path.ts'
import { ReplyDecoder, type DecodedReply } from '#smtp/reply-decoder.ts'
import { encodeReply, reply, type ReplyCode } from '#smtp/reply.ts'
import { expectedOfChunks, expectedOfData } from '../support/content-oracle.ts'
import { cuts, pieces, timeBoxed, trickyBytes } from './support.ts'

function readLines(chunks: Iterable<Buffer>): readonly DecodedLine[] {
  const decoder = new LineDecoder()
  const lines: DecodedLine[] = []
  for (const chunk of chunks) {
    decoder.push(chunk)
    for (let line = decoder.next(); line !== null; line = decoder.next()) lines.push(line)
  }
  return lines
}

test('command lines: cutting changes nothing', () => {
  fc.assert(
    fc.property(trickyBytes('EHLO x', 'x'.repeat(1500)), cuts, (bytes, lengths) => {
      assert.deepEqual(readLines(pieces(bytes, lengths)), readLines([bytes]))
    }),
    timeBoxed,
  )
})

function readReplies(chunks: Iterable<Buffer>): readonly DecodedReply[] {
  const decoder = new ReplyDecoder()
  const replies: DecodedReply[] = []
  for (const chunk of chunks) {
    decoder.push(chunk)
    for (let next = decoder.next(); next !== null; next = decoder.next()) replies.push(next)
  }
  return replies
}

test('replies: cutting changes nothing', () => {
  const words = ['250 Ok\r\n', '250-a\r\n', '550 5.1.1 no\r\n', '2', '50 ', '-']
  fc.assert(
    fc.property(trickyBytes(...words), cuts, (bytes, lengths) => {
      assert.deepEqual(readReplies(pieces(bytes, lengths)), readReplies([bytes]))
    }),
    timeBoxed,
  )
})

interface ReadContent {
  readonly content: string
  /** Null: the end has not come. */
  readonly rest: string | null
  readonly hasBareNewline: boolean
  readonly stuffedDotCount: number
}

function readContent(
  chunks: Iterable<Buffer>,
  decoder: WireDecoder = new ContentDecoder(),
): ReadContent {
  let content = ''
  let rest: string | null = null
  for (const chunk of chunks) {
    if (rest !== null) {
      rest += chunk.toString('latin1')
      continue
    }
    const step = decoder.push(chunk)
    content += step.content.toString('latin1')
    rest = step.rest?.toString('latin1') ?? null
  }
  const { hasBareNewline, stuffedDotCount } = decoder
  return { content, rest, hasBareNewline, stuffedDotCount }
}

/** The same by looking at the whole at once. */
function contentOracle(bytes: Buffer): ReadContent {
  const text = bytes.toString('latin1')
  const end = `\r\n${text}`.indexOf('\r\n.\r\n')
  const content = end < 0 ? text : text.slice(0, end + 3)
  const judged = end < 0 && content.endsWith('\r') ? content.slice(0, -1) : content
  return {
    content,
    rest: end < 0 ? null : text.slice(end + 3),
    hasBareNewline: /\r(?!\n)|(?<!\r)\n/.test(judged),
    stuffedDotCount: (`\r\n${content}`.match(/\r\n\./g) ?? []).length - (end < 0 ? 0 : 1),
  }
}

test('content: nothing but CR LF . CR LF ends it, wherever it is cut', () => {
  fc.assert(
    fc.property(trickyBytes('..', 'text', '\n.\n', '\r.\r', '\n.\r\n'), cuts, (bytes, lengths) => {
      const expected = contentOracle(bytes)
      assert.deepEqual(readContent([bytes]), expected)
      assert.deepEqual(readContent(pieces(bytes, lengths)), expected)
    }),
    timeBoxed,
  )
})

test('content with bare newlines made harmless is what the whole of it would have become', () => {
  const words = ['..', 'text', '\n.\n', '\r.\r', '\n.\r\n', '\r\n.\n', '\r\r\n']
  fc.assert(
    fc.property(trickyBytes(...words), cuts, (bytes, lengths) => {
      const stream = Buffer.concat([bytes, Buffer.from('\r\n.\r\nNOOP\r\n')])
      const read = readContent(pieces(stream, lengths), new NormalizingDecoder())
      const expected = expectedOfData(stream.toString('latin1'), true)
      assert.deepEqual([read.content, read.rest], [expected?.wire, expected?.rest])
      const dots = (`\r\n${read.content}`.match(/\r\n\./g) ?? []).length - 1
      assert.equal(read.stuffedDotCount, dots)
    }),
    timeBoxed,
  )
})

test('chunks: cut into packets and chunks anywhere, one mail comes out of their octets', () => {
  const words = ['..', 'text', '\n.\n', '\r.\r', '\r\n.\r\n', '\r\r\n']
  fc.assert(
    fc.property(
      trickyBytes(...words),
      cuts,
      cuts,
      fc.boolean(),
      (bytes, chunks, packets, mends) => {
        const decoder = new ChunkDecoder(mends)
        let wire = ''
        for (const chunk of pieces(bytes, chunks)) {
          decoder.announce(chunk.length, false)
          for (const packet of pieces(chunk, packets)) {
            wire += decoder.push(packet).content.toString('latin1')
          }
        }
        assert.equal(decoder.isComplete, false)
        decoder.announce(0, true)
        wire += decoder.push(Buffer.alloc(0)).content.toString('latin1')
        const expected = expectedOfChunks(bytes.toString('latin1'), mends)
        assert.deepEqual(
          [wire, decoder.hasBareNewline, decoder.isComplete],
          [expected.wire, expected.isBare, true],
        )
        const dots = (`\r\n${wire}`.match(/\r\n\./g) ?? []).length - 1
        if (!expected.isBare) assert.equal(decoder.stuffedDotCount, dots)
      },
    ),
    timeBoxed,
  )
})

const code = fc.constantFrom<ReplyCode>(220, 250, 252, 354, 421, 450, 451, 452, 500, 550, 552, 554)
const text = fc.string({
  unit: fc.constantFrom('a', ' ', '5', '.', '-', '<', '>', 'Z'),
  maxLength: 40,
})
const detail = fc.constantFrom(null, '1.1', '7.0', '3.4', '0.0')

test('a reply of ours is read back as it was', () => {
  fc.assert(
    fc.property(
      code,
      detail,
      text,
      fc.array(text, { maxLength: 4 }),
      (number, status, line, more) => {
        // A line that looks like a status where none was given cannot be told apart, and is not made by us.
        fc.pre(status !== null || ![line, ...more].some((each) => /^[245]\./.test(each)))
        fc.pre(number !== 354 || status === null)
        const [decoded, ...others] = readReplies([
          Buffer.from(encodeReply(reply(number, status as '1.1' | null, line, ...more))),
        ])
        assert.deepEqual(others, [])
        assert.ok(decoded?.kind === 'reply')
        const expected = status === null ? null : `${Math.floor(number / 100)}.${status}`
        // The class of a status is 2, 4 or 5; 354 has none.
        assert.equal(decoded.reply.code, number)
        assert.equal(decoded.reply.status, expected)
        assert.deepEqual(decoded.reply.lines, [line, ...more])
      },
    ),
    timeBoxed,
  )
})

const atom = fc.string({
  unit: fc.constantFrom('a', 'Z', '0', '+', '-', '_', "'", '/'),
  minLength: 1,
  maxLength: 12,
})
const quoted = fc
  .array(fc.constantFrom('a', ' ', '@', '>', '<', ',', '\\"', '\\\\'), { maxLength: 10 })
  .map((parts) => `"${parts.join('')}"`)
const local = fc.oneof(
  atom,
  fc.tuple(atom, atom).map(([left, right]) => `${left}.${right}`),
  quoted,
)
const domain = fc.constantFrom(
  'inst.example',
  'xn--mnchen-3ya.example',
  '[192.0.2.1]',
  'a-b.c.example',
)

test('a mailbox is read back as it was', () => {
  fc.assert(
    fc.property(local, domain, (name, place) => {
      const mailbox = { local: name, domain: place }
      assert.deepEqual(parseMailbox(encodeMailbox(mailbox)), { ok: true, value: mailbox })
    }),
    timeBoxed,
  )
})
