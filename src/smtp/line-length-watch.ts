// Is there a line longer than a server takes (RFC 5321 §4.5.3.1.6)? Native searches only, and no more than
// one for each stretch of the longest length allowed.

const lineFeed = 0x0a
const dot = 0x2e

/** One instance a content. `see` is called with all of it in order, in wire form, each line end CR LF. */
export class LineLengthWatch {
  readonly #maxBytes: number
  /** Of the line that goes on: bytes so far, and whether it begins with a dot, of which one is not its own. */
  #openBytes = 0
  #beginsWithDot = false

  /** `maxBytes`: without CR LF, and without the dot of dot-stuffing. */
  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes
  }

  /** True: a line is longer. What comes behind it need not be shown any more. */
  see(chunk: Buffer): boolean {
    if (chunk.length === 0) return false
    let start = -this.#openBytes
    if (start === 0) this.#beginsWithDot = chunk[0] === dot
    for (;;) {
      const last = start + this.#maxBytes + 1 + (this.#beginsWithDot ? 1 : 0)
      const isOpen = last >= chunk.length
      if (last < 0) return true
      const end = chunk.lastIndexOf(lineFeed, isOpen ? chunk.length - 1 : last)
      const hasEnded = end >= Math.max(start, 0)
      if (!hasEnded && !isOpen) return true
      if (hasEnded) {
        start = end + 1
        this.#beginsWithDot = chunk[start] === dot
      }
      if (isOpen) break
    }
    this.#openBytes = chunk.length - start
    return false
  }
}
