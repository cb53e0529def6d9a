// What the demo prints: for people at a terminal of 80 columns, in colours only where there is one.

export type Paint = 'plain' | 'dim' | 'bold' | 'good' | 'later' | 'bad' | 'client'

export interface Terminal {
  /** One line as it is; not wrapped. */
  readonly line: (text?: string, paint?: Paint) => void
  /** Words, wrapped; every line after the first has `hanging` more columns in front. */
  readonly text: (text: string, options?: TextOptions) => void
  /** A command as it can be typed; too long ones go on behind a backslash. */
  readonly command: (words: readonly string[]) => void
  /** Aborted as soon as nobody reads the output any more (`make demo | head`). */
  readonly lost: AbortSignal
}

export interface TextOptions {
  readonly paint?: Paint
  readonly indent?: number
  readonly hanging?: number
  /** In front of the first line, not painted; counts as part of the indentation. */
  readonly prefix?: string
}

const maxColumns = 80
const minColumns = 40

const codes: Readonly<Record<Paint, string>> = {
  plain: '',
  dim: '\u001b[2m',
  bold: '\u001b[1m',
  good: '\u001b[32m',
  later: '\u001b[33m',
  bad: '\u001b[31m',
  client: '\u001b[36m',
}

export function openTerminal(output: NodeJS.WriteStream, environment: NodeJS.ProcessEnv): Terminal {
  // Some terminals say 0: they do not know.
  const told = output.columns ?? 0
  const columns = told === 0 ? maxColumns : Math.max(minColumns, Math.min(maxColumns, told))
  const isColoured = output.isTTY && (environment['NO_COLOR'] ?? '') === ''
  const lost = new AbortController()
  output.on('error', () => lost.abort())
  const painted = (text: string, paint: Paint): string =>
    isColoured && codes[paint] !== '' && text !== '' ? `${codes[paint]}${text}\u001b[0m` : text
  const line = (text = '', paint: Paint = 'plain'): void => {
    if (!lost.signal.aborted) output.write(`${painted(text, paint)}\n`)
  }
  return {
    line,
    text: (text, { paint = 'plain', indent = 0, hanging = 0, prefix = '' } = {}) => {
      const left = indent + prefix.length
      const [first = '', ...others] = wrapWords(text, columns - left, columns - left - hanging)
      line(`${' '.repeat(indent)}${prefix}${painted(first, paint)}`)
      for (const other of others) line(' '.repeat(left + hanging) + painted(other, paint))
    },
    command: (words) => {
      const text = shellText(words)
      // `export NAME=/a/long/path` gains nothing from a second row.
      const rows = words.length > 2 ? wrapWords(text, columns - 6, columns - 6) : [text]
      const last = rows.length - 1
      for (const [index, row] of rows.entries()) {
        const end = index === last ? '' : ' \\'
        const typed = row.replaceAll(noBreak, ' ')
        line((index === 0 ? '  $ ' : '    ') + painted(typed, 'bold') + end)
      }
    },
    lost: lost.signal,
  }
}

/** Cuts at spaces; a word that is longer than a line stands alone and is not cut, so it can be copied. */
export function wrapWords(text: string, firstWidth: number, otherWidth: number): readonly string[] {
  const rows: string[] = []
  let row = ''
  for (const word of text.split(' ')) {
    const width = rows.length === 0 ? firstWidth : otherWidth
    if (row !== '' && row.length + 1 + word.length > width) {
      rows.push(row)
      row = word
    } else row = row === '' ? word : `${row} ${word}`
  }
  return [...rows, row]
}

/** Keeps an option and its value on one row. */
const noBreak = '\u00a0'

/** Words of a POSIX shell; what has special characters is quoted. */
function shellText(words: readonly string[]): string {
  return words
    .map((word) => (/^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`))
    .reduce((text, word) => text + (/(^|[ \u00a0])--?\w+$/.test(text) ? noBreak : ' ') + word)
}
