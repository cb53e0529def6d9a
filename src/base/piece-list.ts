// Pieces of a stream, kept in order without copying them; only where a peer sends byte by byte are they
// joined, because a Buffer costs some hundred bytes however little is in it.

/** So many small pieces in a row become one. */
const joinCount = 32
/** A piece of this size is worth a Buffer of its own. */
const largeBytes = 2048

export class PieceList {
  readonly #pieces: Buffer[] = []
  /** Small ones at the end of the list. */
  #smallCount = 0

  get all(): readonly Buffer[] {
    return this.#pieces
  }

  push(piece: Buffer): void {
    this.#pieces.push(piece)
    if (piece.length >= largeBytes) {
      this.#smallCount = 0
      return
    }
    this.#smallCount += 1
    if (this.#smallCount < joinCount) return
    // What was joined counts as one small piece while it is small, so that it is joined again.
    const joined = Buffer.concat(this.#pieces.splice(-joinCount))
    this.#pieces.push(joined)
    this.#smallCount = joined.length >= largeBytes ? 0 : 1
  }
}
