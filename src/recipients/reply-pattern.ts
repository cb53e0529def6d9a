// A domain's own reading of its server's replies: `550*gone fishing*` with `*` for any run of characters.

/**
 * True if the whole text fits the pattern, upper and lower case alike. Linear in the text for every
 * piece between two stars: there is no pattern that makes it slow.
 */
export function matchesPattern(pattern: string, text: string): boolean {
  const subject = text.toLowerCase()
  const pieces = pattern.toLowerCase().split('*')
  const first = pieces[0] ?? ''
  if (pieces.length === 1) return subject === first
  const last = pieces[pieces.length - 1] ?? ''
  const end = subject.length - last.length
  if (!subject.startsWith(first) || !subject.endsWith(last) || end < first.length) return false
  let position = first.length
  for (const piece of pieces.slice(1, -1)) {
    const found = subject.indexOf(piece, position)
    if (found < 0) return false
    position = found + piece.length
  }
  return position <= end
}
