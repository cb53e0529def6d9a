// Content in wire form (RFC 5321 §4.5.2) back to the message: the dots that dot-stuffing put in front of
// lines are taken out, and the end mark is taken away.

const lineDot = Buffer.from('\r\n.')
const endMark = Buffer.from('\r\n.\r\n')

/**
 * One instance a mail. Pieces are views of what was pushed, wherever that was cut; a header section
 * alone, which has no end mark, may be decoded as well.
 */
export class DotDecoder {
  /** Not given yet: it may be the end mark. Begins as if a line had ended before the content. */
  #held: Buffer = Buffer.from('\r\n')
  /** Of that line end, which was never there. */
  #droppedCount = 0

  push(chunk: Buffer): readonly Buffer[] {
    const data = Buffer.concat([this.#held, chunk])
    let end = Math.max(0, data.length - endMark.length)
    const pieces: Buffer[] = []
    let from = 0
    for (;;) {
      const at = data.indexOf(lineDot, from)
      if (at < 0 || at >= end) break
      if (at + lineDot.length > end) {
        end = at
        break
      }
      pieces.push(data.subarray(from, at + 2))
      from = at + lineDot.length
    }
    pieces.push(data.subarray(from, end))
    this.#held = data.subarray(end)
    return this.#given(pieces)
  }

  /** What was held back. Call it once, behind the last piece. */
  finish(): readonly Buffer[] {
    if (this.#held.equals(endMark)) return this.#given([endMark.subarray(0, 2)])
    const at = this.#held.indexOf(lineDot)
    if (at < 0) return this.#given([this.#held])
    return this.#given([this.#held.subarray(0, at + 2), this.#held.subarray(at + 3)])
  }

  #given(pieces: readonly Buffer[]): readonly Buffer[] {
    return pieces
      .map((piece) => {
        const count = Math.min(piece.length, 2 - this.#droppedCount)
        this.#droppedCount += count
        return count === 0 ? piece : piece.subarray(count)
      })
      .filter((piece) => piece.length > 0)
  }
}
