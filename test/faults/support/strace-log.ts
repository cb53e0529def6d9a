// Reads what `strace -f -y -xx -o FILE` writes: one call a line, or two when calls of other threads came in
// between ("unfinished", "resumed"). Every string is in hexadecimal, so no quoting has to be understood.

/** One finished system call. */
export interface SystemCall {
  readonly thread: string
  readonly name: string
  /** As strace prints them, without surrounding blanks. */
  readonly arguments: readonly string[]
  /** What it returned; negative: it failed, `error` says how. */
  readonly result: number
  readonly error: string | null
  /** How many calls of the log had ended when this one began. */
  readonly begunAt: number
}

const completeLine = /^(\d+) +(\w+)\((.*)\) += (.*)$/s
const unfinishedLine = /^(\d+) +(\w+)\((.*) <unfinished \.\.\.>$/s
const resumedLine = /^(\d+) +<\.\.\. (\w+) resumed>(.*)\) += (.*)$/s

/**
 * Reads a log line by line.
 *
 * @param isWanted Asked with the whole line where a call begins.
 * @yields The finished calls in the order in which they ended; one that a kill interrupted is left out.
 */
export function* readStraceLog(
  lines: Iterable<string>,
  isWanted: (line: string) => boolean,
): Generator<SystemCall> {
  const begun = new Map<string, { readonly text: string; readonly begunAt: number }>()
  let ended = 0
  for (const line of lines) {
    const unfinished = unfinishedLine.exec(line)
    if (unfinished !== null) {
      const [, process = '', , text = ''] = unfinished
      if (isWanted(line)) begun.set(process, { text, begunAt: ended })
      continue
    }
    const resumed = resumedLine.exec(line)
    if (resumed !== null) {
      const [, process = '', name = '', rest = '', result = ''] = resumed
      const start = begun.get(process)
      begun.delete(process)
      if (start === undefined) continue
      yield callOf([process, name], start.text + rest, result, start.begunAt)
      ended += 1
      continue
    }
    const complete = isWanted(line) ? completeLine.exec(line) : null
    if (complete === null) continue
    const [, process = '', name = '', text = '', result = ''] = complete
    yield callOf([process, name], text, result, ended)
    ended += 1
  }
}

function callOf(
  [thread, name]: readonly [thread: string, name: string],
  text: string,
  result: string,
  begunAt: number,
): SystemCall {
  const error = /^-1 (\w+)/.exec(result)?.[1] ?? null
  const parameters = splitArguments(text)
  return { thread, name, arguments: parameters, result: parseInt(result, 10), error, begunAt }
}

/** At commas outside of brackets; strings hold none, being hexadecimal. */
function splitArguments(text: string): readonly string[] {
  const found: string[] = []
  let depth = 0
  let from = 0
  for (const { 0: mark, index } of text.matchAll(/[[\]{},]/g)) {
    if (mark === '[' || mark === '{') depth += 1
    else if (mark === ']' || mark === '}') depth -= 1
    else if (depth === 0) {
      found.push(text.slice(from, index).trim())
      from = index + 1
    }
  }
  const last = text.slice(from).trim()
  return last === '' && found.length === 0 ? [] : [...found, last]
}

/** `"\x61\x62"`; throws when strace cut it short, because a guess would prove nothing. */
export function bytesOf(argument: string): Buffer {
  const hex = /^"((?:\\x[0-9a-f]{2})*)"$/.exec(argument)?.[1]
  if (hex === undefined) throw new Error(`not a whole string: ${argument.slice(0, 80)}`)
  return Buffer.from(hex.replaceAll('\\x', ''), 'hex')
}

/** `[{iov_base="\x61", iov_len=1}, …]`. */
export function vectorBytesOf(argument: string): Buffer {
  const pieces = [...argument.matchAll(/iov_base=("[^"]*"(?:\.\.\.)?)/g)]
  return Buffer.concat(pieces.map(([, piece = '']) => bytesOf(piece)))
}

export interface Descriptor {
  /** `AT_FDCWD` is −100. */
  readonly number: number
  /** Where it leads to when the call began; of a pipe `pipe:[…]`. */
  readonly path: string
  readonly isDeleted: boolean
}

/** `3<\x2f\x61>`, `3<\x2f\x61>(deleted)`, or what openat returned. */
export function descriptorOf(argument: string): Descriptor {
  const match = /^(\d+|AT_FDCWD)(?:<((?:\\x[0-9a-f]{2})*)>(\(deleted\))?)?$/.exec(argument)
  if (match === null) throw new Error(`not a descriptor: ${argument.slice(0, 80)}`)
  const [, number = '', hex = '', deleted] = match
  return {
    number: number === 'AT_FDCWD' ? -100 : Number(number),
    path: Buffer.from(hex.replaceAll('\\x', ''), 'hex').toString(),
    isDeleted: deleted !== undefined,
  }
}

/** How strace writes a text with -xx. */
export function hexOf(text: string): string {
  return [...Buffer.from(text)].map((byte) => `\\x${byte.toString(16).padStart(2, '0')}`).join('')
}
