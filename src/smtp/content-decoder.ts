// Finds the end of the content of DATA in wire form (RFC 5321 §4.1.1.4, §4.5.2). The bytes stay as they
// are, dot-stuffed: they go to the next hop the same way. Only native searches touch them.

const endOfData = Buffer.from('\r\n.\r\n')
/** A line that begins with a dot: in wire form the dot was put there, or is the end mark. */
const lineDot = '\r\n.'
/** A CR without LF or a LF without CR. On a string of one byte a character this runs as machine code. */
const bareNewline = /\r(?!\n)|(?<!\r)\n/

/** What one chunk meant. `content` belongs to this mail; `rest` is what the client sent after its end. */
export interface ContentStep {
  readonly content: Buffer
  /** Null while the content goes on. */
  readonly rest: Buffer | null
}

/**
 * One instance a mail. Nothing but CR LF . CR LF ends the content, wherever the packets are cut: a
 * relay that ends a mail elsewhere lets the sender smuggle a second one in.
 */
export class ContentDecoder {
  /** Last four bytes seen; DATA's own CR LF counts, so that a lone dot right away is an empty mail. */
  #tail: Buffer = Buffer.from('\r\n')
  #hasBareNewline = false
  #stuffedDotCount = 0

  /** True when the content so far has a CR or LF on its own. */
  get hasBareNewline(): boolean {
    return this.#hasBareNewline
  }

  /** Dots that dot-stuffing put in front of lines (RFC 5321 §4.5.2); the end mark's dot is not one. */
  get stuffedDotCount(): number {
    return this.#stuffedDotCount
  }

  push(chunk: Buffer): ContentStep {
    const end = this.#findEnd(chunk)
    const content = end < 0 ? chunk : chunk.subarray(0, end)
    if (content.length > 0) this.#examine(content.toString('latin1'), end >= 0)
    this.#tail = lastBytes(this.#tail, content)
    return { content, rest: end < 0 ? null : chunk.subarray(end) }
  }

  /** Index behind the end-of-data mark in `chunk`, or -1. */
  #findEnd(chunk: Buffer): number {
    // The mark may lie across the border: look at the last bytes seen and the first of this chunk.
    const border = Buffer.concat([this.#tail, chunk.subarray(0, 4)])
    const atBorder = border.indexOf(endOfData)
    if (atBorder >= 0) return atBorder + endOfData.length - this.#tail.length
    const inside = chunk.indexOf(endOfData)
    return inside < 0 ? -1 : inside + endOfData.length
  }

  #examine(text: string, isEnd: boolean): void {
    this.#countStuffedDots(text, isEnd)
    if (this.#hasBareNewline) return
    const wasCr = this.#tail[this.#tail.length - 1] === 13
    const startsWithLf = text.startsWith('\n')
    if (wasCr !== startsWithLf) {
      this.#hasBareNewline = true
      return
    }
    // The pair across the border is whole; a CR at the end is judged with the next chunk.
    const from = startsWithLf ? 1 : 0
    const to = !isEnd && text.endsWith('\r') ? text.length - 1 : text.length
    const isWhole = from === 0 && to === text.length
    this.#hasBareNewline = bareNewline.test(isWhole ? text : text.slice(from, to))
  }

  #countStuffedDots(text: string, isEnd: boolean): void {
    const before = this.#tail.toString('latin1').slice(-2)
    const seam = before + text.slice(0, 2) // a mark that begins before this chunk
    if (seam.startsWith(lineDot) || (before.endsWith('\r') && seam.startsWith(lineDot, 1))) {
      this.#stuffedDotCount += 1
    }
    for (let at = text.indexOf(lineDot); at >= 0; at = text.indexOf(lineDot, at + 3)) {
      this.#stuffedDotCount += 1
    }
    if (isEnd) this.#stuffedDotCount -= 1
  }
}

function lastBytes(before: Buffer, chunk: Buffer): Buffer {
  if (chunk.length >= 4) return chunk.subarray(chunk.length - 4)
  const joined = Buffer.concat([before, chunk])
  return joined.subarray(Math.max(0, joined.length - 4))
}
