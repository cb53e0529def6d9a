// Content of DATA whose bare newlines are made CR LF instead of being refused.

import { ContentDecoder, type ContentStep, type WireDecoder } from './content-decoder.ts'
import { LineEndNormalizer } from './line-end-normalizer.ts'

const endMarkBytes = 3
const stuffedDot = /\r\n\./g

/** One instance a mail. Where the mail ends is found in what the client sent, before anything is changed. */
export class NormalizingDecoder implements WireDecoder {
  readonly hasBareNewline: boolean = false
  readonly #received = new ContentDecoder()
  readonly #normalizer = new LineEndNormalizer(true)
  /** The last two bytes given: begins as if a line had ended. */
  #tail = '\r\n'
  #stuffedDotCount = 0

  get isComplete(): boolean {
    return this.#received.isComplete
  }

  get stuffedDotCount(): number {
    return this.#stuffedDotCount
  }

  push(chunk: Buffer): ContentStep {
    const { content: received, rest } = this.#received.push(chunk)
    const content =
      rest === null
        ? this.#normalizer.push(received)
        : this.#normalizer.finish(received, endMarkBytes)
    this.#countStuffedDots(content.toString('latin1'), rest !== null)
    return { content, rest }
  }

  #countStuffedDots(text: string, isEnd: boolean): void {
    const whole = this.#tail + text
    this.#stuffedDotCount += (whole.match(stuffedDot)?.length ?? 0) - (isEnd ? 1 : 0)
    this.#tail = whole.slice(-2)
  }
}
