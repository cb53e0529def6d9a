// Text that came from a peer, made fit for a reply line, a log or a terminal.

// C0 and C1 controls, DEL, and the Unicode controls that reorder or hide text.
// oxlint-disable-next-line no-control-regex -- these are exactly what has to go
const unsafe = /[\u0000-\u001f\u007f-\u009f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]/g

/** One printable line of at most `maxLength` UTF-16 units; every control character becomes `?`. */
export function cleanLine(text: string, maxLength: number): string {
  const short = text.length > maxLength ? `${text.slice(0, maxLength - 1)}…` : text
  return short.replace(unsafe, '?')
}

/** As `cleanLine`, and ASCII only: what a reply line may carry to a client without SMTPUTF8. */
export function cleanAsciiLine(text: string, maxLength: number): string {
  const short = text.length > maxLength ? `${text.slice(0, maxLength - 3)}...` : text
  return short.replace(/[^\u0020-\u007e]/g, '?')
}

/** How far apart two words are (Levenshtein), for "did you mean". Bounded by the inputs' lengths. */
export function editDistance(left: string, right: string): number {
  let previous = Array.from({ length: right.length + 1 }, (_, index) => index)
  for (let row = 1; row <= left.length; row += 1) {
    const current = [row]
    for (let column = 1; column <= right.length; column += 1) {
      const substitution =
        (previous[column - 1] ?? 0) + (left[row - 1] === right[column - 1] ? 0 : 1)
      const insertion = (current[column - 1] ?? 0) + 1
      const deletion = (previous[column] ?? 0) + 1
      current.push(Math.min(substitution, insertion, deletion))
    }
    previous = current
  }
  return previous[right.length] ?? 0
}

/** The candidate closest to `word`, if any is close enough to be a plausible slip. */
export function nearestWord(word: string, candidates: readonly string[]): string | undefined {
  let best: string | undefined
  // In a word of three letters two wrong ones leave another word.
  let bestDistance = (word.length < 4 ? 1 : Math.max(2, Math.floor(word.length / 3))) + 1
  for (const candidate of candidates) {
    const distance = editDistance(word.toLowerCase(), candidate.toLowerCase())
    if (distance < bestDistance) {
      best = candidate
      bestDistance = distance
    }
  }
  return best
}
