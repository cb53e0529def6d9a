// What content has to become, worked out character by character and with the whole at hand: as unlike the
// decoders as can be, so that a fault there does not meet its twin here.

/** What a decoder has to say of a stream; the strings have a byte a character. */
export interface ExpectedContent {
  /** In wire form. */
  readonly wire: string
  /** Null: the end has not come. */
  readonly rest: string | null
  readonly isBare: boolean
}

/** DATA: `stream` is what follows its 354. Only a stream with its end mark has an answer. */
export function expectedOfData(stream: string, isNormalizing: boolean): ExpectedContent | null {
  const end = `\r\n${stream}`.indexOf('\r\n.\r\n')
  if (end < 0) return null
  const content = stream.slice(0, end) // with the line end that belongs to the end mark as well
  const rest = stream.slice(end + 3)
  if (!isNormalizing) return { wire: `${content}.\r\n`, rest, isBare: isBare(content) }
  // A lone dot that is left cannot be the end: it was not one when it came.
  const lines = linesOf(content).map((line) => (line === '.' ? '..' : line))
  return { wire: `${lines.join('\r\n')}.\r\n`, rest, isBare: false }
}

/** BDAT: `octets` of all chunks of the mail. */
export function expectedOfChunks(octets: string, isNormalizing: boolean): ExpectedContent {
  const lines = isNormalizing ? linesOf(octets) : octets.split('\r\n')
  const stuffed = lines.map((line) => (line.startsWith('.') ? `.${line}` : line)).join('\r\n')
  const isEnded = stuffed === '' || stuffed.endsWith('\r\n')
  return {
    wire: `${stuffed}${isEnded ? '' : '\r\n'}.\r\n`,
    rest: '',
    isBare: !isNormalizing && isBare(octets),
  }
}

/** A last line without an end is there as well, and is '' behind the last line end. */
function linesOf(text: string): readonly string[] {
  const lines: string[] = []
  let line = ''
  for (let index = 0; index < text.length; index += 1) {
    const character = text.charAt(index)
    if (character === '\r' && text.charAt(index + 1) === '\n') continue
    if (character === '\n') {
      lines.push(line)
      line = ''
    } else line += character === '\r' ? ' ' : character
  }
  return [...lines, line]
}

function isBare(text: string): boolean {
  for (let index = 0; index < text.length; index += 1) {
    const character = text.charAt(index)
    if (character === '\r' && text.charAt(index + 1) !== '\n') return true
    if (character === '\n' && text.charAt(index - 1) !== '\r') return true
  }
  return false
}

// All texts of that many characters of the alphabet.
export function* textsOf(alphabet: readonly string[], length: number): Generator<string> {
  if (length === 0) {
    yield ''
    return
  }
  for (const text of textsOf(alphabet, length - 1)) {
    for (const character of alphabet) yield text + character
  }
}

// Whole, cut once at each byte, and byte by byte.
export function* waysToCut(text: string): Generator<readonly string[]> {
  yield [text]
  if (text === '') return
  for (let at = 1; at < text.length; at += 1) yield [text.slice(0, at), text.slice(at)]
  yield text.split('')
}

// In every way: each place between two characters is a cut or is none.
export function* allWaysToCut(text: string): Generator<readonly string[]> {
  const placeCount = Math.max(0, text.length - 1)
  for (let cuts = 0; cuts < 2 ** placeCount; cuts += 1) {
    const pieces: string[] = []
    let from = 0
    for (let place = 0; place < placeCount; place += 1) {
      if ((cuts & (1 << place)) === 0) continue
      pieces.push(text.slice(from, place + 1))
      from = place + 1
    }
    pieces.push(text.slice(from)) // never empty, but of an empty text
    yield pieces
  }
}
