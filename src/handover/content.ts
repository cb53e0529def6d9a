// The content of a mail on its way out: the stored bytes with the relay's own trace field in front and
// without what must not pass. Nothing is copied but the header section, and that only when it is cut.

import type { ByteRange } from '#message/header-section.ts'
import type { ContentReader } from '#nexthop/nexthop.ts'

/**
 * Content in wire form (dot-stuffed, ending in CR LF . CR LF), complete and readable several times, also
 * at once. Somebody else owns it and discards it.
 */
export interface StoredContent {
  /** All of it, in bytes. */
  readonly sizeBytes: number
  /** The beginning, at least up to the end of the header section. */
  readonly head: Buffer
  /** Reads from that offset to the end. */
  readonly openFrom: (offset: number) => ContentReader
}

export interface TracedContent {
  readonly sizeBytes: number
  readonly open: () => ContentReader
  /**
   * The same bytes in two parts, for keeping them: the trace field with the rest of `head`, and where in
   * the stored content the rest begins.
   */
  readonly parts: () => { readonly prefix: readonly Buffer[]; readonly offset: number }
}

/** `received` is the trace field with its CR LF; `cuts` lie within `content.head`, in order. */
export function traceContent(
  content: StoredContent,
  received: string,
  cuts: readonly ByteRange[],
): TracedContent {
  const field = Buffer.from(received + (startsFolded(content.head) ? '\r\n' : ''))
  const kept = keptPieces(content.head, cuts)
  const cutBytes = cuts.reduce((sum, cut) => sum + cut.end - cut.start, 0)
  const offset = cuts.at(-1)?.end ?? 0
  return {
    sizeBytes: field.length + content.sizeBytes - cutBytes,
    open: () => behind([field, ...kept], content.openFrom(offset)),
    parts: () => ({
      prefix: [field, ...kept, content.head.subarray(offset)],
      offset: content.head.length,
    }),
  }
}

/**
 * A first line that begins with white space (also behind a dot that the next hop takes off) would go on
 * with our own trace field, and say there what the sender likes. It is no header field, so the header
 * section ends before it.
 */
function startsFolded(head: Buffer): boolean {
  return /^\.?[ \t]/.test(head.toString('latin1', 0, 2))
}

/** What stands before and between the cuts. */
function keptPieces(head: Buffer, cuts: readonly ByteRange[]): readonly Buffer[] {
  const pieces: Buffer[] = []
  let from = 0
  for (const cut of cuts) {
    if (cut.start > from) pieces.push(head.subarray(from, cut.start))
    from = cut.end
  }
  return pieces
}

/** `first`, then what `reader` gives. A reader that answers at once goes out with the first pieces. */
function behind(first: readonly Buffer[], reader: ContentReader): ContentReader {
  let isFirst = true
  return {
    next: () => {
      if (!isFirst) return reader.next()
      isFirst = false
      const pieces = reader.next()
      if (pieces instanceof Promise) return pieces.then((value) => [...first, ...(value ?? [])])
      return [...first, ...(pieces ?? [])]
    },
    close: () => reader.close(),
  }
}
