// Frames between the processes of a machine: what is cut anywhere is the same; what was written is read.

import assert from 'node:assert/strict'
import { encodeFrame, FrameDecoder, type Frame } from '#link/frames.ts'
import { packets, type FuzzTarget } from '../target.ts'

/** Frames up to the first fault. */
function framesOf(pieces: readonly Buffer[]): {
  readonly frames: readonly Frame[]
  readonly isBroken: boolean
} {
  const decoder = new FrameDecoder()
  const frames: Frame[] = []
  try {
    for (const piece of pieces) frames.push(...decoder.push(piece))
    return { frames, isBroken: false }
  } catch {
    return { frames, isBroken: true }
  }
}

export const linkFrames: FuzzTarget = {
  name: 'link-frames',
  words: [
    '\0\0\0\0',
    '\0\0\0\x02',
    '\0\0\0\x02\0\0\0\x03{}abc',
    '{}',
    '[]',
    '"x"',
    'null',
    '\xff\xff\xff\xff',
    '\x04\0\0\x01',
    '{"kind":"hello"}',
  ],
  check: (bytes, cut) => {
    const whole = framesOf([bytes])
    const pieces = framesOf(packets(bytes, cut))
    assert.equal(pieces.isBroken, whole.isBroken)
    // Of one packet with a fault nothing is handed out; cut, what stood before it is.
    if (!whole.isBroken) assert.deepEqual(pieces.frames, whole.frames)
    const head = { text: bytes.toString('latin1') }
    const written = Buffer.concat([...encodeFrame(head, bytes), ...encodeFrame([head], null)])
    const [first, second, ...more] = framesOf(packets(written, cut)).frames
    assert.deepEqual([first?.head, second?.head, more], [head, [head], []])
    assert.deepEqual(first?.bytes ?? Buffer.alloc(0), bytes)
    assert.equal(second?.bytes, null)
  },
}
