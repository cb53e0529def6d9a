// The usual line of a dialog, commands and replies alike.

/** Most commands and replies are shorter. */
const plainBytes = 256

/**
 * Where the CR LF of a short line of nothing but printable ASCII begins, or -1 for any other: one look at each
 * byte, which for so few is quicker than a native search and two patterns.
 */
export function endOfPlainLine(buffer: Buffer, start: number): number {
  const last = Math.min(buffer.length, start + plainBytes) - 1
  for (let at = start; at < last; at += 1) {
    const byte = buffer[at] ?? 0
    if (byte >= 32 && byte < 127) continue
    return byte === 13 && buffer[at + 1] === 10 ? at : -1
  }
  return -1
}
