// Makes bare newlines harmless instead of refusing them, as Postfix 3.9 does: a LF on its own becomes
// CR LF, a CR on its own a space. Native replacement, and only where there is one.

/** What decides about these bytes comes behind them: they wait for it. */
const undecided = /\r?\n\.?\r?$|\r$/
const maxUndecidedBytes = 4
const bareCr = /\r(?!\n)/g
const bareLf = /(?<!\r)\n/g
const lonelyDot = /\r\n\.(?=\r\n)/g

/**
 * One instance a mail. In content that came dot-stuffed, a line that is nothing but a dot once its ends are
 * CR LF would end the mail at the next server: it gets a second dot, and arrives there as the line it is.
 */
export class LineEndNormalizer {
  readonly #isDotStuffed: boolean
  /** As if a line had ended before the content. */
  #held: Buffer = Buffer.from('\r\n')
  /** Of that line end, which was never there. */
  #surplusBytes = 2

  constructor(isDotStuffed: boolean) {
    this.#isDotStuffed = isDotStuffed
  }

  /** Gives what is decided by now, with CR LF at every line end. */
  push(piece: Buffer): Buffer {
    const data = this.#behindHeld(piece)
    const end = data.toString('latin1', Math.max(0, data.length - maxUndecidedBytes))
    const heldBytes = undecided.exec(end)?.[0].length ?? 0
    this.#held = data.subarray(data.length - heldBytes)
    return this.#given(data.subarray(0, data.length - heldBytes))
  }

  /** The last piece and what waited. Of them `markBytes` at the end are an end mark and stay as they are. */
  finish(piece: Buffer, markBytes: number): Buffer {
    const data = this.#behindHeld(piece)
    const mark = data.subarray(data.length - markBytes)
    this.#held = mark
    return Buffer.concat([this.#given(data.subarray(0, data.length - markBytes)), mark])
  }

  #behindHeld(piece: Buffer): Buffer {
    return this.#held.length === 0 ? piece : Buffer.concat([this.#held, piece])
  }

  #given(data: Buffer): Buffer {
    const normalized = this.#normalized(data)
    const surplusBytes = Math.min(this.#surplusBytes, normalized.length)
    this.#surplusBytes -= surplusBytes
    return surplusBytes === 0 ? normalized : normalized.subarray(surplusBytes)
  }

  #normalized(data: Buffer): Buffer {
    const text = data.toString('latin1')
    let clean = text.replace(bareCr, ' ').replace(bareLf, '\r\n')
    if (this.#isDotStuffed) {
      clean = clean.replace(lonelyDot, '\r\n..')
      // Its second line end may be what is held: CR LF or LF, since a CR alone would hold the dot as well.
      if (clean.endsWith('\r\n.') && this.#held.includes(10)) clean += '.'
    }
    return clean === text ? data : Buffer.from(clean, 'latin1')
  }
}
