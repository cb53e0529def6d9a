// Text as seven-bit lines (RFC 2045 §6.7), for the one message Pforte writes itself.

/** RFC 2045 §6.7 rule 5: 76 characters, the `=` of a soft line break included. */
const maxLineLength = 76

/** One line without its ending, as one or more lines of printable ASCII, none longer than 76. */
export function encodeQuotedPrintable(line: string): readonly string[] {
  const bytes = Buffer.from(line)
  const lines: string[] = []
  let current = ''
  for (const [index, byte] of bytes.entries()) {
    const piece = pieceOf(byte, index === bytes.length - 1)
    if (current.length + piece.length >= maxLineLength) {
      lines.push(`${current}=`)
      current = ''
    }
    current += piece
  }
  return [...lines, current]
}

/** A blank at the end of a line would be lost on the way (rule 3). */
function pieceOf(byte: number, isLast: boolean): string {
  const isPrintable = byte > 32 && byte < 127 && byte !== 61
  if (isPrintable || (byte === 32 && !isLast)) return String.fromCharCode(byte)
  return `=${byte.toString(16).toUpperCase().padStart(2, '0')}`
}
