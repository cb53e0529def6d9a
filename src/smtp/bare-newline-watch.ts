// Looks for a CR without LF and a LF without CR (RFC 5321 §2.3.8) in a stream, wherever it is cut.

/** On a string of one byte a character this runs as machine code. */
const bareNewline = /\r(?!\n)|(?<!\r)\n/

/** One instance a mail. `see` is called with all of it, in order, each byte a character (latin1). */
export class BareNewlineWatch {
  #hasFound = false
  #endsInCr = false

  get hasFound(): boolean {
    return this.#hasFound
  }

  see(text: string): void {
    if (this.#hasFound || text === '') return
    const startsWithLf = text.startsWith('\n')
    const endsInCr = text.endsWith('\r')
    if (this.#endsInCr !== startsWithLf) {
      this.#hasFound = true
      return
    }
    // The pair across the border is whole; a CR at the end is judged with what comes next.
    const from = startsWithLf ? 1 : 0
    const to = endsInCr ? text.length - 1 : text.length
    const isWhole = from === 0 && to === text.length
    this.#hasFound = bareNewline.test(isWhole ? text : text.slice(from, to))
    this.#endsInCr = endsInCr
  }

  /** Nothing comes any more. */
  finish(): void {
    if (this.#endsInCr) this.#hasFound = true
  }
}
