// Content of BDAT (RFC 3030 §2): counted octets, which become wire form, because that is how content
// travels here and goes to the next hop. Only native searches touch the octets.

import { BareNewlineWatch } from './bare-newline-watch.ts'
import type { ContentStep, WireDecoder } from './content-decoder.ts'
import { LineEndNormalizer } from './line-end-normalizer.ts'

const nothing = Buffer.alloc(0)
const lineDot = '\r\n.'
const stuffedLineDot = '\r\n..'

/** One instance a mail: `announce` for each BDAT, then `push` until it gives a rest. */
export class ChunkDecoder implements WireDecoder {
  readonly #newlines = new BareNewlineWatch()
  /** Null: bare newlines are found and told of. */
  readonly #normalizer: LineEndNormalizer | null
  #missingBytes = 0
  #isLast = false
  #isComplete = false
  /** The last two bytes of what was given: begins as if a line had ended before the content. */
  #tail = '\r\n'
  #stuffedDotCount = 0

  constructor(isNormalizing: boolean) {
    this.#normalizer = isNormalizing ? new LineEndNormalizer(false) : null
  }

  get isComplete(): boolean {
    return this.#isComplete
  }

  get hasBareNewline(): boolean {
    return this.#newlines.hasFound
  }

  get stuffedDotCount(): number {
    return this.#stuffedDotCount
  }

  /** So many octets follow. Without octets `push` has to be called as well, with nothing. */
  announce(sizeBytes: number, isLast: boolean): void {
    if (this.#missingBytes > 0 || this.#isComplete) throw new Error('a chunk inside a chunk')
    this.#missingBytes = sizeBytes
    this.#isLast = isLast
  }

  push(chunk: Buffer): ContentStep {
    const isWhole = chunk.length >= this.#missingBytes
    const octets = chunk.length > this.#missingBytes ? chunk.subarray(0, this.#missingBytes) : chunk
    this.#missingBytes -= octets.length
    const isEnd = isWhole && this.#isLast
    const content = this.#stuffed(this.#normalized(octets, isEnd))
    const rest = isWhole ? chunk.subarray(octets.length) : null
    return { content: isEnd ? this.#ended(content) : content, rest }
  }

  #normalized(octets: Buffer, isEnd: boolean): Buffer {
    if (this.#normalizer === null) return octets
    return isEnd ? this.#normalizer.finish(octets, 0) : this.#normalizer.push(octets)
  }

  /** A dot in front of every line that begins with one (RFC 5321 §4.5.2). Mostly there is none. */
  #stuffed(octets: Buffer): Buffer {
    if (octets.length === 0) return nothing
    const text = octets.toString('latin1')
    this.#newlines.see(text)
    const seam = this.#tail + text.slice(0, 2)
    this.#tail = text.length > 1 ? text.slice(-2) : seam.slice(-2)
    const isAtSeam = seam.lastIndexOf(lineDot, 1) >= 0
    if (!isAtSeam && !text.includes(lineDot)) return octets
    const beginning = isAtSeam ? stuffedSeam(seam, text) : text
    const stuffed = beginning.replaceAll(lineDot, stuffedLineDot)
    this.#stuffedDotCount += stuffed.length - text.length
    return Buffer.from(stuffed, 'latin1')
  }

  /** Behind the last octet a line end, if there is none, and the end mark. */
  #ended(content: Buffer): Buffer {
    this.#newlines.finish()
    this.#isComplete = true
    return Buffer.concat([content, Buffer.from(this.#tail === '\r\n' ? '.\r\n' : '\r\n.\r\n')])
  }
}

/** The dot behind a line end that lies, wholly or in part, in what came before. */
function stuffedSeam(seam: string, text: string): string {
  return seam.startsWith(lineDot) ? `.${text}` : `\n.${text.slice(1)}`
}
