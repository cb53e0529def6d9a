// Frames on the wire: two lengths of four bytes each (big endian), JSON of the first, bytes of the second.

import type { Json } from './link.ts'

export interface Frame {
  readonly head: Json
  readonly bytes: Buffer | null
}

const lengthsBytes = 8
/** JSON and bytes each. More is a fault: content above that is in a file. */
export const maxPartBytes: number = 64 * 1024 * 1024

export function encodeFrame(head: Json, bytes: Buffer | null): readonly Buffer[] {
  const text = JSON.stringify(head)
  const textBytes = Buffer.byteLength(text)
  const first = Buffer.allocUnsafe(lengthsBytes + textBytes)
  first.writeUInt32BE(textBytes, 0)
  first.writeUInt32BE(bytes?.length ?? 0, 4)
  first.write(text, lengthsBytes)
  return bytes === null ? [first] : [first, bytes]
}

export class FrameDecoder {
  #chunks: Buffer[] = []
  #bufferedBytes = 0
  #wantedBytes = lengthsBytes

  /** Complete frames, in order. Throws when the other end does not speak this language. */
  push(chunk: Buffer): readonly Frame[] {
    this.#chunks.push(chunk)
    this.#bufferedBytes += chunk.length
    const frames: Frame[] = []
    while (this.#bufferedBytes >= this.#wantedBytes) {
      const buffer = this.#joined()
      const textBytes = buffer.readUInt32BE(0)
      const bytesBytes = buffer.readUInt32BE(4)
      if (textBytes > maxPartBytes || bytesBytes > maxPartBytes) {
        throw new Error('a frame that is too large')
      }
      const allBytes = lengthsBytes + textBytes + bytesBytes
      if (buffer.length < allBytes) {
        this.#wantedBytes = allBytes
        break
      }
      frames.push(decode(buffer, textBytes, bytesBytes))
      this.#keep(buffer.subarray(allBytes))
    }
    return frames
  }

  /** Joins only when a whole frame may be there, so that a large one is not copied with each chunk. */
  #joined(): Buffer {
    const [only] = this.#chunks
    if (this.#chunks.length === 1 && only !== undefined) return only
    const buffer = Buffer.concat(this.#chunks, this.#bufferedBytes)
    this.#chunks = [buffer]
    return buffer
  }

  #keep(rest: Buffer): void {
    this.#chunks = rest.length > 0 ? [rest] : []
    this.#bufferedBytes = rest.length
    this.#wantedBytes = lengthsBytes
  }
}

function decode(buffer: Buffer, textBytes: number, bytesBytes: number): Frame {
  const textEnd = lengthsBytes + textBytes
  const head = JSON.parse(buffer.toString('utf8', lengthsBytes, textEnd)) as Json
  const bytes = bytesBytes === 0 ? null : buffer.subarray(textEnd, textEnd + bytesBytes)
  return { head, bytes }
}
