// Transcripts of dialogs: what a client sends and what it must get, as text files that are read like one.
//
//   # a comment
//   @ key value        an option of the case; before the first `---` it holds for all cases
//   --- name           a new case
//   C: text            the client sends text and CR LF
//   C~ text            the client sends exactly this: \r \n \t \0 \\ \xNN, nothing added
//   S: text            the server's next line must be this; <*> stands for a run of characters
//   S: closed          the server closes the connection
//
// Consecutive `C` lines leave in one write; an empty line between them makes two writes. What a server
// says after the last `S` line is not looked at, so a case should end in `S: closed`.

import assert from 'node:assert/strict'
import { failure, success, type Result } from '#base/result.ts'

export interface DialogCase {
  readonly name: string
  /** Line of its `---`, from 1. */
  readonly line: number
  /** Values by key, in order; a key may be set several times. */
  readonly options: ReadonlyMap<string, readonly string[]>
  readonly steps: readonly DialogStep[]
}

export type DialogStep =
  | { readonly kind: 'send'; readonly line: number; readonly bytes: Buffer }
  | { readonly kind: 'expect'; readonly line: number; readonly text: string }
  | { readonly kind: 'closed'; readonly line: number }

export interface DialogTransport {
  readonly send: (bytes: Buffer) => void | Promise<void>
  /** The server's next line without CR LF, or `closed`. Rejects when none comes in time. */
  readonly nextLine: () => Promise<string>
  readonly close: () => void | Promise<void>
}

/** Byte by byte, each byte is a `send` of its own; whether it travels alone is the transport's matter. */
export type DialogMode = 'whole' | 'byte-by-byte'

interface OpenCase {
  readonly name: string
  readonly line: number
  readonly options: Map<string, readonly string[]>
  readonly steps: DialogStep[]
}

/** The problem begins with the line number. A file without cases is a problem too. */
export function parseDialogs(text: string): Result<readonly DialogCase[]> {
  const defaults = new Map<string, readonly string[]>()
  const cases: OpenCase[] = []
  let canJoin = false
  for (const [index, line] of text.split(/\r?\n/).entries()) {
    const open = cases.at(-1)
    const problem = parseLine(line, index + 1, open, defaults, canJoin, cases)
    if (problem !== null) return failure(`line ${index + 1}: ${problem}`)
    if (!line.startsWith('#')) canJoin = line.startsWith('C')
  }
  const empty = cases.find(({ steps }) => steps.length === 0)
  if (empty !== undefined) return failure(`line ${empty.line}: the case has no steps`)
  return cases.length === 0 ? failure('line 1: there is no case (--- name)') : success(cases)
}

/** Null when the line was understood. */
function parseLine(
  line: string,
  number: number,
  open: OpenCase | undefined,
  defaults: Map<string, readonly string[]>,
  canJoin: boolean,
  cases: OpenCase[],
): string | null {
  if (line.trim() === '' || line.startsWith('#')) return null
  if (line.startsWith('--- ')) {
    cases.push({ name: line.slice(4).trim(), line: number, options: new Map(defaults), steps: [] })
    return null
  }
  if (line.startsWith('@ ')) return setOption(open?.options ?? defaults, line.slice(2).trim())
  if (open === undefined) return 'a step before the first case (--- name)'
  const step = parseStep(line, number)
  if (!step.ok) return step.problem
  const last = open.steps.at(-1)
  if (canJoin && step.value.kind === 'send' && last?.kind === 'send') {
    open.steps[open.steps.length - 1] = {
      ...last,
      bytes: Buffer.concat([last.bytes, step.value.bytes]),
    }
  } else open.steps.push(step.value)
  return null
}

function setOption(options: Map<string, readonly string[]>, text: string): string | null {
  const match = /^(\S+)(?:\s+(.*))?$/.exec(text)
  if (match?.[1] === undefined) return 'an option has a key: @ key value'
  options.set(match[1], [...(options.get(match[1]) ?? []), match[2] ?? ''])
  return null
}

function parseStep(line: string, number: number): Result<DialogStep> {
  const match = /^(C:|C~|S:)(?: (.*))?$/.exec(line)
  const text = match?.[2] ?? ''
  if (match?.[1] === 'C:') {
    return success({ kind: 'send', line: number, bytes: Buffer.from(`${text}\r\n`) })
  }
  if (match?.[1] === 'C~') {
    const bytes = unescapeBytes(text)
    return bytes.ok ? success({ kind: 'send', line: number, bytes: bytes.value }) : bytes
  }
  if (match === null) return failure(`not understood: ${line.slice(0, 60)}`)
  if (text === 'closed') return success({ kind: 'closed', line: number })
  return success({ kind: 'expect', line: number, text })
}

const escapes: Readonly<Record<string, number>> = { r: 13, n: 10, t: 9, 0: 0, '\\': 92 }

function unescapeBytes(text: string): Result<Buffer> {
  const pieces: Buffer[] = []
  for (const [whole, hex, letter] of text.matchAll(/\\x([\da-fA-F]{2})|\\(.?)|[^\\]+/gsu)) {
    if (hex !== undefined) pieces.push(Buffer.from(hex, 'hex'))
    else if (letter === undefined) pieces.push(Buffer.from(whole))
    else {
      const byte = escapes[letter]
      if (byte === undefined) return failure(`unknown escape ${whole}`)
      pieces.push(Buffer.of(byte))
    }
  }
  return success(Buffer.concat(pieces))
}

/** Plays one case and closes the transport. Rejects with the transcript when the server says otherwise. */
export async function runDialog(
  dialog: DialogCase,
  transport: DialogTransport,
  mode: DialogMode,
): Promise<void> {
  const transcript: string[] = []
  try {
    for (const step of dialog.steps) {
      if (step.kind === 'send') {
        transcript.push(`C~ ${escapeBytes(step.bytes)}`)
        await send(transport, step.bytes, mode)
      } else await expectLine(dialog, step, transport, transcript)
    }
  } finally {
    await transport.close()
  }
}

async function send(transport: DialogTransport, bytes: Buffer, mode: DialogMode): Promise<void> {
  if (mode === 'whole') {
    await transport.send(bytes)
    return
  }
  for (let index = 0; index < bytes.length; index += 1) {
    await transport.send(bytes.subarray(index, index + 1))
  }
}

async function expectLine(
  dialog: DialogCase,
  step: Exclude<DialogStep, { kind: 'send' }>,
  transport: DialogTransport,
  transcript: string[],
): Promise<void> {
  const wanted = step.kind === 'closed' ? 'closed' : step.text
  const got = await transport.nextLine().catch((error: unknown) => `(nothing: ${String(error)})`)
  transcript.push(`S: ${got}`)
  if (matches(wanted, got)) return
  assert.fail(
    `case "${dialog.name}", line ${step.line}: expected "${wanted}", got "${got}"\n` +
      transcript.map((line) => `    ${line}`).join('\n'),
  )
}

/** Pieces in order, each at its first possible place: enough for `*`, and never more than quadratic. */
function matches(wanted: string, got: string): boolean {
  const [first = '', ...rest] = wanted.split('<*>')
  const last = rest.pop()
  if (last === undefined) return wanted === got
  if (!got.startsWith(first)) return false
  let position = first.length
  for (const piece of rest) {
    const index = got.indexOf(piece, position + 1)
    if (index < 0) return false
    position = index + piece.length
  }
  return got.endsWith(last) && got.length - last.length > position
}

function escapeBytes(bytes: Buffer): string {
  return bytes
    .toString('latin1')
    .replaceAll('\\', '\\\\')
    .replaceAll('\r', '\\r')
    .replaceAll('\n', '\\n')
    .replace(/[^ -~]/g, (byte) => `\\x${byte.charCodeAt(0).toString(16).padStart(2, '0')}`)
}
