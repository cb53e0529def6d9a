import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseDialogs, runDialog, type DialogCase, type DialogTransport } from './dialog.ts'

function parse(text: string): readonly DialogCase[] {
  const result = parseDialogs(text)
  assert.ok(result.ok, result.ok ? '' : result.problem)
  return result.value
}

function only(text: string): DialogCase {
  const [first, ...more] = parse(text)
  assert.ok(first !== undefined && more.length === 0)
  return first
}

/** Answers every line with the same line in capitals, `quit` with BYE 1, BYE 2, ... and the end. */
class ToyTransport implements DialogTransport {
  readonly writes: string[] = []
  isClosed = false
  #input = ''
  #lines: string[] = []

  send(bytes: Buffer): void {
    this.writes.push(bytes.toString('latin1'))
    this.#input += bytes.toString('latin1')
    const lines = this.#input.split('\r\n')
    this.#input = lines.pop() ?? ''
    for (const line of lines)
      this.#lines.push(...(line === 'quit' ? ['BYE 17', 'closed'] : [line.toUpperCase()]))
  }

  nextLine(): Promise<string> {
    const line = this.#lines.shift()
    return line === undefined ? Promise.reject(new Error('no line')) : Promise.resolve(line)
  }

  close(): void {
    this.isClosed = true
  }
}

const sample = `# toy
@ mode strict

--- echo
@ known alice@inst.example
@ known bob@inst.example
C: one
C: two
# a comment does not part what belongs together
C~ th\\x72ee\\r
C~ \\n
S: ONE
S: TWO
S: THREE

C: four

C: five
S: FOUR
S: FIVE
C: quit
S: BYE <*>
S: closed
--- second
@ mode loose
C:
S:
`

test('parses cases, options, escapes and groups', () => {
  const [echo, second] = parse(sample)
  assert.equal(echo?.name, 'echo')
  assert.equal(echo.line, 4)
  assert.deepEqual(echo.options.get('known'), ['alice@inst.example', 'bob@inst.example'])
  assert.deepEqual(echo.options.get('mode'), ['strict'])
  assert.deepEqual(second?.options.get('mode'), ['strict', 'loose'])
  assert.equal(second.options.get('known'), undefined)
  assert.deepEqual(
    echo.steps.map((step) => (step.kind === 'send' ? step.bytes.toString() : step.kind)),
    [
      'one\r\ntwo\r\nthree\r\n',
      'expect',
      'expect',
      'expect',
      'four\r\n',
      'five\r\n',
      'expect',
      'expect',
      'quit\r\n',
      'expect',
      'closed',
    ],
  )
  assert.deepEqual(second.steps, [
    { kind: 'send', line: 26, bytes: Buffer.from('\r\n') },
    { kind: 'expect', line: 27, text: '' },
  ])
})

test('C~ takes every byte, UTF-8 and a backslash', () => {
  const [step] = only('--- x\nC~ a\\0\\xff\\\\ü\\t').steps
  assert.ok(step?.kind === 'send')
  assert.deepEqual(step.bytes, Buffer.from([97, 0, 255, 92, 0xc3, 0xbc, 9]))
})

const broken: readonly (readonly [string, string, RegExp])[] = [
  ['no case', '# nothing\n', /^line 1: there is no case/],
  ['a step before the first case', 'C: x\n', /^line 1: a step before/],
  ['an unknown line', '--- x\nX: y\n', /^line 2: not understood: X: y/],
  ['no space behind the mark', '--- x\nC:x\n', /^line 2: not understood/],
  ['an unknown escape', '--- x\nC~ \\q\n', /^line 2: unknown escape/],
  ['half an escape', '--- x\nC~ abc\\\n', /^line 2: unknown escape/],
  ['half a hex escape', '--- x\nC~ \\x4\n', /^line 2: unknown escape/],
  ['a case without steps', '--- x\n--- y\nC: z\n', /^line 1: the case has no steps/],
  ['an option without key', '--- x\n@  \n', /^line 2: an option has a key/],
]

for (const [name, text, wanted] of broken) {
  test(`refuses ${name}`, () => {
    const result = parseDialogs(text)
    assert.ok(!result.ok)
    assert.match(result.problem, wanted)
  })
}

test('plays a case whole: consecutive lines are one write', async () => {
  const [echo] = parse(sample)
  assert.ok(echo !== undefined)
  const transport = new ToyTransport()
  await runDialog(echo, transport, 'whole')
  assert.deepEqual(transport.writes, [
    'one\r\ntwo\r\nthree\r\n',
    'four\r\n',
    'five\r\n',
    'quit\r\n',
  ])
  assert.ok(transport.isClosed)
})

test('plays a case byte by byte', async () => {
  const [echo] = parse(sample)
  assert.ok(echo !== undefined)
  const transport = new ToyTransport()
  await runDialog(echo, transport, 'byte-by-byte')
  assert.ok(transport.writes.every((write) => write.length === 1))
})

test('another answer fails with line and transcript, and the transport is closed', async () => {
  const transport = new ToyTransport()
  await assert.rejects(
    runDialog(only('--- wrong\nC: one\nS: TWO\n'), transport, 'whole'),
    /case "wrong", line 3: expected "TWO", got "ONE"\n {4}C~ one\\r\\n\n {4}S: ONE/,
  )
  assert.ok(transport.isClosed)
})

test('silence, an early end and a missing end fail', async () => {
  for (const text of ['S: x', 'C: quit\nS: BYE 17\nS: x', 'C: x\nS: closed']) {
    await assert.rejects(runDialog(only(`--- x\n${text}\n`), new ToyTransport(), 'whole'))
  }
})

const wildcards: readonly (readonly [string, string, boolean])[] = [
  ['a<*>', 'ab', true],
  ['a<*>', 'a', false], // a run has at least one character
  ['<*>c', 'abc', true],
  ['a<*>c', 'abbc', true],
  ['a<*>c', 'ac', false],
  ['a<*>b<*>c', 'axbyc', true],
  ['a<*>b<*>c', 'axyc', false],
  ['<*>', 'x', true],
  ['a.c', 'abc', false], // the rest is text, not a pattern
]

for (const [pattern, line, isMatch] of wildcards) {
  test(`"${pattern}" ${isMatch ? 'takes' : 'refuses'} "${line}"`, async () => {
    const transport: DialogTransport = {
      send: () => undefined,
      nextLine: () => Promise.resolve(line),
      close: () => undefined,
    }
    const played = runDialog(only(`--- x\nS: ${pattern}\n`), transport, 'whole')
    if (isMatch) await played
    else await assert.rejects(played, /expected/)
  })
}
