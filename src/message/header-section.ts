// The header section as far as a relay needs it (RFC 5322 §2.1): where it ends, how many hops it
// tells of, and which fields pretend to come from this relay. Works on the raw bytes, in wire form.

import { PieceList } from '#base/piece-list.ts'

/** Byte offsets in the content, end exclusive. */
export interface ByteRange {
  readonly start: number
  readonly end: number
}

export interface HeaderFindings {
  /** Offset of the first byte that is not of the header section. */
  readonly endOffset: number
  /** Number of Received fields (RFC 5321 §6.3). */
  readonly hopCount: number
  /**
   * Authentication-Results that bear the relay's own name: forged, since they came from outside, and
   * to be removed (RFC 8601 §5). Ascending, not overlapping.
   */
  readonly forgedResults: readonly ByteRange[]
}

const separator = Buffer.from('\r\n\r\n')
/** As if a line had ended before the content: a content that begins with CR LF has no header section. */
const lineEnd = Buffer.from('\r\n')

// A line may begin with one dot more than its next reader sees (RFC 5321 §4.5.2), doubled or not: what
// hides behind it there must not hide here. `^` with the flag m would also match between CR and LF.
/** The first line that is neither a field nor a continuation: there the header section has ended. */
const notAField = /(?<=^|\n)(?!\.?(?:[!-9;-~]+[ \t]*:|[ \t]))/
const receivedField = /(?<=^|\n)\.?received[ \t]*:/gi
const resultsField =
  /(?<=^|\n)\.?authentication-results[ \t]*:[^\r\n]*(?:\r\n\.?[ \t][^\r\n]*)*\r\n/gi
/** Lines of a mailbox file that came along: Postfix makes a field of them and reads on. */
const mailboxFileLines = /^(?:\.?>*From [^\r\n]*\r\n)+/

/** Finds the end of the header section while the content arrives. */
export class HeaderCollector {
  readonly #maxBytes: number
  #pieces = new PieceList()
  #length = 0
  /** The last bytes seen, at most three. */
  #tail: Buffer = lineEnd
  #isComplete = false

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes
  }

  /** True when more content cannot change the header section, or it has become too large to keep. */
  get isComplete(): boolean {
    return this.#isComplete
  }

  /** Keeps references to the chunks, not copies, until the header section has ended. */
  push(chunk: Buffer): void {
    if (this.#isComplete || chunk.length === 0) return
    const border = Buffer.concat([this.#tail, chunk.subarray(0, 3)])
    this.#tail = Buffer.concat([this.#tail, chunk.subarray(-3)]).subarray(-3)
    this.#pieces.push(chunk)
    this.#length += chunk.length
    this.#isComplete =
      border.includes(separator) || chunk.includes(separator) || this.#length >= this.#maxBytes
  }

  /**
   * The beginning of the content: the whole header section and, as it comes, some body. Null when the
   * header section did not end within the limit.
   */
  head(): Buffer | null {
    const head = this.#joined()
    const end = head.indexOf(separator)
    // The limit decides, not how the content was cut into chunks.
    const isWhole = end < 0 ? head.length < this.#maxBytes : end + 4 <= this.#maxBytes
    return isWhole || hasEnded(head.toString('latin1', 0, this.#maxBytes)) ? head : null
  }

  #joined(): Buffer {
    const pieces = this.#pieces.all
    const [only] = pieces
    if (pieces.length === 1 && only !== undefined) return only
    const head = Buffer.concat([...pieces])
    this.#pieces = new PieceList()
    this.#pieces.push(head)
    return head
  }
}

/** Without a blank line the header section ends at the first line that cannot belong to it. */
function hasEnded(beginning: string): boolean {
  const end = beginning.lastIndexOf('\r\n')
  const lines = end < 0 ? '' : beginning.slice(0, end + 2) // the last one may be cut off
  return endOfFields(lines) < lines.length
}

function endOfFields(text: string): number {
  const from = mailboxFileLines.exec(text)?.[0].length ?? 0
  const length = text.slice(from).search(notAField)
  return length < 0 ? text.length : from + length
}

/** `head` starts the content; `hostname` is the relay's name, lower case. Never throws. */
export function examineHeader(head: Buffer, hostname: string): HeaderFindings {
  const end = head.indexOf(separator)
  const text = head.toString('latin1', 0, end < 0 ? head.length : end + 2)
  const endOffset = endOfFields(text)
  const header = text.slice(0, endOffset)
  return {
    endOffset,
    hopCount: header.match(receivedField)?.length ?? 0,
    forgedResults: findForgedResults(header, hostname),
  }
}

function findForgedResults(header: string, hostname: string): readonly ByteRange[] {
  const forged: ByteRange[] = []
  if (!header.toLowerCase().includes('authentication-results')) return forged
  for (const match of header.matchAll(resultsField)) {
    if (authenticationServiceId(match[0]) !== hostname) continue
    forged.push({ start: match.index, end: match.index + match[0].length })
  }
  return forged
}

/** The authserv-id (RFC 8601 §2.2), lower case; comments and folding before it are skipped. */
function authenticationServiceId(field: string): string {
  const value = field.slice(field.indexOf(':') + 1).replaceAll(/\r\n\.?/g, '')
  const text = value.slice(endOfComments(value))
  const match = /^(?:"((?:[^"\\]|\\.)*)"|([^\s;(]+))/.exec(text)
  return (match?.[1]?.replaceAll(/\\(.)/g, '$1') ?? match?.[2] ?? '').toLowerCase()
}

/** Index behind leading white space and comments, which nest (RFC 5322 §3.2.2). */
function endOfComments(text: string): number {
  let depth = 0
  for (let index = 0; index < text.length; index += 1) {
    const character = text[index] ?? ''
    if (depth > 0 && character === '\\') index += 1
    else if (character === '(') depth += 1
    else if (depth > 0 && character === ')') depth -= 1
    else if (depth === 0 && character !== ' ' && character !== '\t') return index
  }
  return text.length
}
