// Splits a client's byte stream into command lines. Strict: a line ends in CR LF (RFC 5321 §2.3.8).

import type { CommandProblem } from './command.ts'
import { endOfPlainLine } from './plain-line.ts'

/** One line without CR LF, or why it cannot be a command. `text` is what arrived, for the log. */
export type DecodedLine =
  | { readonly kind: 'line'; readonly text: string }
  | { readonly kind: 'problem'; readonly problem: CommandProblem; readonly text: string }

/**
 * RFC 5321 §4.5.3.1.4 asks for 512 octets and more for extensions (SIZE 26, BODY 17, SMTPUTF8 10 and
 * longer addresses); this is what Postfix takes as well.
 */
const maxLineBytes = 2048

/** So much of an overlong line is told. */
const shownBytes = 80

const emptyBuffer = Buffer.alloc(0)
// oxlint-disable-next-line no-control-regex -- a CR or NUL inside a command line is the point
const stray = /[\r\u0000]/
const nonAscii = /[\u0080-\u00ff]/
const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/**
 * Push parser: `push` bytes, then take `next` until it gives null. What `next` has not consumed can be
 * taken back with `rest` when the stream changes its language (DATA, STARTTLS).
 */
export class LineDecoder {
  #buffer: Buffer = emptyBuffer
  #offset = 0
  /** How an overlong line begins, which is dropped up to its end, then reported once. Null: there is none. */
  #overlong: string | null = null

  push(chunk: Buffer): void {
    this.#buffer =
      this.#offset === this.#buffer.length
        ? chunk
        : Buffer.concat([this.#buffer.subarray(this.#offset), chunk])
    this.#offset = 0
  }

  next(): DecodedLine | null {
    const plainEnd = endOfPlainLine(this.#buffer, this.#offset)
    if (plainEnd >= 0 && this.#overlong === null) {
      const text = this.#buffer.toString('latin1', this.#offset, plainEnd)
      this.#offset = plainEnd + 2
      return { kind: 'line', text }
    }
    const end = this.#buffer.indexOf(10, this.#offset)
    if (end < 0) {
      this.#boundRemainder()
      return null
    }
    const start = this.#offset
    this.#offset = end + 1
    if (this.#overlong !== null || end - start > maxLineBytes) {
      const beginning = this.#overlong ?? beginningOf(this.#buffer, start)
      this.#overlong = null
      return invalid('line-too-long', `a line may have ${maxLineBytes} octets`, beginning)
    }
    return decode(this.#buffer, start, end)
  }

  /** Bytes not yet consumed, and forgets them. */
  rest(): Buffer {
    const rest = this.#buffer.subarray(this.#offset)
    this.#buffer = emptyBuffer
    this.#offset = 0
    return rest
  }

  /** Bytes that are waiting, whether or not they make a whole line. */
  get pendingBytes(): number {
    return this.#buffer.length - this.#offset
  }

  /** The whole lines that wait, at most `maxCount`, not consumed: for starting work ahead of time. */
  peek(maxCount: number): readonly string[] {
    const lines: string[] = []
    let start = this.#offset
    while (lines.length < maxCount) {
      const end = this.#buffer.indexOf(10, start)
      if (end < 0 || end - start > maxLineBytes) break
      const line = decode(this.#buffer, start, end)
      if (line.kind === 'problem') break
      lines.push(line.text)
      start = end + 1
    }
    return lines
  }

  #boundRemainder(): void {
    if (this.#buffer.length - this.#offset <= maxLineBytes) return
    this.#overlong ??= beginningOf(this.#buffer, this.#offset)
    this.rest()
  }
}

function beginningOf(buffer: Buffer, start: number): string {
  return buffer.toString('latin1', start, start + shownBytes)
}

function decode(buffer: Buffer, start: number, end: number): DecodedLine {
  const isTerminated = end > start && buffer[end - 1] === 13
  const text = buffer.toString('latin1', start, isTerminated ? end - 1 : end)
  if (!isTerminated) return invalid('bare-newline', 'lines must end in CR LF', text)
  if (stray.test(text)) return invalid('bare-newline', 'CR or NUL inside a line', text)
  if (!nonAscii.test(text)) return { kind: 'line', text }
  try {
    return { kind: 'line', text: utf8.decode(buffer.subarray(start, end - 1)) }
  } catch {
    return invalid('not-utf8', 'the line is neither ASCII nor UTF-8', text)
  }
}

function invalid(kind: CommandProblem['kind'], detail: string, text: string): DecodedLine {
  return { kind: 'problem', problem: { kind, detail }, text }
}
