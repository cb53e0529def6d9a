// Finds the end of the content of DATA in wire form (RFC 5321 §4.1.1.4, §4.5.2). The bytes stay as they
// are, dot-stuffed: they go to the next hop the same way. Only native searches touch them.

import { BareNewlineWatch } from './bare-newline-watch.ts'

const endOfData = Buffer.from('\r\n.\r\n')
/** A line that begins with a dot: in wire form the dot was put there, or is the end mark. */
const lineDot = '\r\n.'

/** What one piece of the stream meant. `content` is of this mail, in wire form; `rest` is not content. */
export interface ContentStep {
  readonly content: Buffer
  /** What follows; null while the content goes on. */
  readonly rest: Buffer | null
}

/** How content arrives is its own affair: with an end mark (DATA) or counted (BDAT), wire form comes out. */
export interface WireDecoder {
  readonly push: (chunk: Buffer) => ContentStep
  /** All of it has come, with its end mark: nothing less may be handed over. */
  readonly isComplete: boolean
  /** The content so far has a CR or LF on its own. */
  readonly hasBareNewline: boolean
  /** Dots that dot-stuffing put in front of lines (RFC 5321 §4.5.2); the end mark's dot is not one. */
  readonly stuffedDotCount: number
}

/**
 * One instance a mail. Nothing but CR LF . CR LF ends the content, wherever the packets are cut: a
 * relay that ends a mail elsewhere lets the sender smuggle a second one in.
 */
export class ContentDecoder implements WireDecoder {
  /** Last four bytes seen; DATA's own CR LF counts, so that a lone dot right away is an empty mail. */
  #tail: Buffer = Buffer.from('\r\n')
  readonly #newlines = new BareNewlineWatch()
  #stuffedDotCount = 0
  #isComplete = false

  get isComplete(): boolean {
    return this.#isComplete
  }

  get hasBareNewline(): boolean {
    return this.#newlines.hasFound
  }

  get stuffedDotCount(): number {
    return this.#stuffedDotCount
  }

  push(chunk: Buffer): ContentStep {
    const end = this.#findEnd(chunk)
    const content = end < 0 ? chunk : chunk.subarray(0, end)
    if (content.length > 0) {
      const text = content.toString('latin1')
      this.#countStuffedDots(text, end >= 0)
      this.#newlines.see(text)
    }
    this.#tail = lastBytes(this.#tail, content)
    this.#isComplete = end >= 0
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
