// Content of a wanted size, made once: lines of text, ended by the dot.

const pieceBytes = 1024 * 1024
const header = 'From: <sender@outside.example>\r\nSubject: bench\r\n\r\n'
const line = `${'A'.repeat(70)}\r\n`
const end = Buffer.from('.\r\n')
const made = new Map<number, readonly Buffer[]>()

/** In wire form, in pieces of 1 MiB at most; `bytes` counts what stands before the final dot. */
export function contentOf(bytes: number): readonly Buffer[] {
  const known = made.get(bytes)
  if (known !== undefined) return known
  const lineCount = Math.max(1, Math.round((bytes - header.length) / line.length))
  const linesPerPiece = Math.floor(pieceBytes / line.length)
  const whole = Buffer.from(line.repeat(Math.min(lineCount, linesPerPiece)))
  const pieces = Array.from({ length: Math.floor(lineCount / linesPerPiece) }, () => whole)
  const rest = Buffer.from(line.repeat(lineCount % linesPerPiece))
  // Small content is one piece, and one write.
  const content =
    pieces.length === 0
      ? [Buffer.concat([Buffer.from(header), rest, end])]
      : [Buffer.from(header), ...pieces, Buffer.concat([rest, end])]
  made.set(bytes, content)
  return content
}
