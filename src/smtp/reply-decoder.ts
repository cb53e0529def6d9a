// Decodes a peer's replies (RFC 5321 §4.2). Tolerant of nothing: what is malformed, contradictory or
// endless ends the connection, because a reply that is misread becomes a mail lost or a wrong 550.

import { endOfPlainLine } from './plain-line.ts'
import type { PeerReply } from './reply.ts'

export type DecodedReply =
  | { readonly kind: 'reply'; readonly reply: PeerReply }
  | { readonly kind: 'malformed'; readonly detail: string }

/** RFC 5321 §4.5.3.1.5 says 512 octets a line; EHLO replies and chatty filters need some more. */
const maxLineBytes = 2048
const maxLineCount = 128

const replyLine = /^([2-5]\d\d)(?:([ -])([^\r\u0000]*))?$/ // oxlint-disable-line no-control-regex -- a bare CR must not pass
const enhancedStatus = /^([245]\.\d{1,3}\.\d{1,3})(?: |$)/
const emptyBuffer = Buffer.alloc(0)

/** Push parser; after `malformed` it gives nothing but null. */
export class ReplyDecoder {
  #buffer: Buffer = emptyBuffer
  #code = 0
  #lines: string[] = []
  #isBroken = false

  push(chunk: Buffer): void {
    if (this.#isBroken) return // whatever follows is of no use, and there may be a lot of it
    this.#buffer = this.#buffer.length === 0 ? chunk : Buffer.concat([this.#buffer, chunk])
  }

  /** True when bytes of a reply not yet complete have arrived. */
  get isPending(): boolean {
    return this.#buffer.length > 0 || this.#lines.length > 0
  }

  next(): DecodedReply | null {
    const usual = this.#takeUsual()
    if (usual !== null) return usual
    let start = 0
    while (!this.#isBroken) {
      const end = this.#buffer.indexOf(10, start)
      if (end < 0) return this.#wait(start)
      if (end - start > maxLineBytes) return this.#broken('a reply line is too long')
      if (end === start || this.#buffer[end - 1] !== 13) {
        return this.#broken('a reply line does not end in CR LF')
      }
      const isLast = this.#takeLine(text(this.#buffer, start, end - 1))
      start = end + 1
      if (isLast === null) return null
      if (typeof isLast !== 'boolean') return isLast
      if (isLast) return this.#finish(start)
    }
    return null
  }

  /** A reply of one plain line, as nearly all are; null: look closer. */
  #takeUsual(): DecodedReply | null {
    if (this.#isBroken || this.#lines.length > 0) return null
    const end = endOfPlainLine(this.#buffer, 0)
    if (end < 3) return null
    const line = this.#buffer.toString('latin1', 0, end)
    const code = usualCode(line)
    if (code === 0) return null
    this.#buffer = this.#buffer.subarray(end + 2)
    return { kind: 'reply', reply: toPeerReply(code, [line.slice(4)]) }
  }

  #wait(start: number): DecodedReply | null {
    this.#buffer = this.#buffer.subarray(start)
    return this.#buffer.length > maxLineBytes ? this.#broken('a reply line is too long') : null
  }

  /** True: the reply is complete. False: more lines follow. */
  #takeLine(line: string): boolean | DecodedReply | null {
    const match = replyLine.exec(line)
    if (match === null) return this.#broken(`not a reply: ${line.slice(0, 80)}`)
    const code = Number(match[1])
    if (this.#lines.length > 0 && code !== this.#code) {
      return this.#broken(`one reply with two codes: ${this.#code} and ${code}`)
    }
    if (this.#lines.length >= maxLineCount) return this.#broken('the reply does not end')
    this.#code = code
    this.#lines.push(match[3] ?? '')
    return match[2] !== '-'
  }

  #finish(consumed: number): DecodedReply {
    const reply = toPeerReply(this.#code, this.#lines)
    this.#buffer = this.#buffer.subarray(consumed)
    this.#lines = []
    return { kind: 'reply', reply }
  }

  #broken(detail: string): DecodedReply {
    this.#isBroken = true
    this.#buffer = emptyBuffer
    this.#lines = []
    return { kind: 'malformed', detail }
  }
}

/** Of `250` or `250 text`; 0 for anything else. */
function usualCode(line: string): number {
  if (line.length > 3 && line.charCodeAt(3) !== 32) return 0
  const first = digit(line, 0)
  const second = digit(line, 1)
  const third = digit(line, 2)
  if (first < 2 || first > 5 || second > 9 || third > 9) return 0
  return first * 100 + second * 10 + third
}

/** Above 9: it is none. */
function digit(line: string, at: number): number {
  const value = line.charCodeAt(at) - 48
  return value >= 0 ? value : 10
}

function text(buffer: Buffer, start: number, end: number): string {
  const ascii = buffer.toString('latin1', start, end)
  return /[\u0080-\u00ff]/.test(ascii) ? buffer.toString('utf8', start, end) : ascii
}

/** A status whose class contradicts the code is not taken for one (RFC 3463 §2: they agree). */
function toPeerReply(code: number, lines: readonly string[]): PeerReply {
  const status = enhancedStatus.exec(lines[0] ?? '')?.[1]
  if (status === undefined || Number(status[0]) !== Math.floor(code / 100)) {
    return { code, status: null, lines }
  }
  const cut = (line: string): string =>
    line === status ? '' : line.startsWith(`${status} `) ? line.slice(status.length + 1) : line
  return { code, status, lines: lines.map(cut) }
}
