// The header section as far as a relay needs it (RFC 5322 §2.1): where it ends, how many hops it
// tells of, and which fields pretend to come from this relay. Works on the raw bytes, in wire form.

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
/** The first line that is neither a field nor a continuation: there the header section has ended. */
const notAField = /^(?![!-9;-~]+[ \t]*:|[ \t])/m
const receivedField = /^received[ \t]*:/gim
const resultsField = /^authentication-results[ \t]*:(?:[^\r\n]|\r\n[ \t])*\r\n/gim

/** Finds the end of the header section while the content arrives. */
export class HeaderCollector {
  readonly #maxBytes: number
  #chunks: Buffer[] = []
  #length = 0
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
    const last = this.#chunks.at(-1)
    const border =
      last === undefined
        ? -1
        : Buffer.concat([last.subarray(-3), chunk.subarray(0, 3)]).indexOf(separator)
    this.#chunks.push(chunk)
    this.#length += chunk.length
    this.#isComplete =
      border >= 0 || chunk.indexOf(separator) >= 0 || this.#length >= this.#maxBytes
  }

  /**
   * The beginning of the content: the whole header section and, as it comes, some body. Null when the
   * header section did not end within the limit.
   */
  head(): Buffer | null {
    const [only] = this.#chunks
    const head =
      this.#chunks.length === 1 && only !== undefined ? only : Buffer.concat(this.#chunks)
    this.#chunks = [head]
    const end = head.indexOf(separator)
    return end < 0 && this.#length >= this.#maxBytes ? null : head
  }
}

/** `head` starts the content; `hostname` is the relay's name, lower case. */
export function examineHeader(head: Buffer, hostname: string): HeaderFindings {
  const end = head.indexOf(separator)
  const bytes = end < 0 ? head.length : end + 2
  const text = head.toString('latin1', 0, bytes)
  const odd = text.search(notAField)
  const endOffset = odd < 0 ? bytes : odd
  const header = odd < 0 ? text : text.slice(0, odd)
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
  const value = field.slice(field.indexOf(':') + 1).replaceAll('\r\n', '')
  const match = /^(?:\s|\((?:[^()\\]|\\.)*\))*(?:"([^"]*)"|([^\s;(]+))/.exec(value)
  return (match?.[1] ?? match?.[2] ?? '').toLowerCase()
}
