// The content of DATA and of BDAT, with bare newlines left to be refused and with bare newlines mended. The
// oracle looks at the whole at once (test/support/content-oracle.ts).

import assert from 'node:assert/strict'
import { ChunkDecoder } from '#smtp/chunk-decoder.ts'
import { ContentDecoder, type WireDecoder } from '#smtp/content-decoder.ts'
import { NormalizingDecoder } from '#smtp/normalizing-decoder.ts'
import { expectedOfChunks, expectedOfData } from '../../support/content-oracle.ts'
import { packets, type FuzzTarget } from '../target.ts'

const words = [
  'text',
  '.',
  '..',
  '\r',
  '\n',
  '\r\n',
  '\r\n.\r\n',
  '\n.\n',
  '\r.\r',
  '\n.\r\n',
  '\r\n.\n',
  '\r\n..\r\n',
  '\r\r\n',
  '\0',
  '\0\r\n',
  '\x00.\r\n',
  '\xff',
  'Subject: x\r\n\r\n',
  'MAIL FROM:<a@b.example>\r\n',
]

function read(
  pieces: readonly Buffer[],
  decoder: WireDecoder,
): { content: string; rest: string | null } {
  let content = ''
  let rest: string | null = null
  for (const piece of pieces) {
    if (rest !== null) rest += piece.toString('latin1')
    else {
      const step = decoder.push(piece)
      content += step.content.toString('latin1')
      rest = step.rest?.toString('latin1') ?? null
    }
  }
  return { content, rest }
}

export const dataContent: FuzzTarget = {
  name: 'data-content',
  words,
  check: (bytes, cut) => {
    const stream = Buffer.concat([bytes, Buffer.from('\r\n.\r\nNOOP\r\n')])
    for (const isMended of [false, true]) {
      const decoder = isMended ? new NormalizingDecoder() : new ContentDecoder()
      const { content, rest } = read(packets(stream, cut), decoder)
      const expected = expectedOfData(stream.toString('latin1'), isMended)
      assert.deepEqual([content, rest], [expected?.wire, expected?.rest])
      assert.equal(`\r\n${content}`.indexOf('\r\n.\r\n'), content.length - 3)
      if (isMended || !decoder.hasBareNewline) assert.doesNotMatch(content, /\r(?!\n)|(?<!\r)\n/)
    }
  },
}

export const chunkContent: FuzzTarget = {
  name: 'chunk-content',
  words,
  check: (bytes, cut) => {
    for (const isMended of [false, true]) {
      const decoder = new ChunkDecoder(isMended)
      let wire = ''
      for (const chunk of packets(bytes, cut)) {
        decoder.announce(chunk.length, false)
        for (const packet of packets(chunk, cut >> 3))
          wire += decoder.push(packet).content.toString('latin1')
      }
      decoder.announce(0, true)
      wire += decoder.push(Buffer.alloc(0)).content.toString('latin1')
      const expected = expectedOfChunks(bytes.toString('latin1'), isMended)
      assert.deepEqual([wire, decoder.hasBareNewline], [expected.wire, expected.isBare])
      assert.equal(decoder.isComplete, true)
    }
  },
}
