// The log as a pipe: a reader that is slow, stuck or gone. Real pipes, real processes.

import assert from 'node:assert/strict'
import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, constants, mkdtempSync, openSync, readSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { openLogWriter } from './log-writer.ts'

const folder = mkdtempSync(join(tmpdir(), 'pforte-pipe-'))
after(() => rmSync(folder, { recursive: true }))

function openPipe(name: string) {
  const path = join(folder, name)
  execFileSync('mkfifo', [path])
  const reader = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK)
  const descriptor = openSync(path, constants.O_WRONLY)
  const notes: string[] = []
  const writer = openLogWriter({
    target: { kind: 'descriptor', descriptor },
    note: (text) => void notes.push(text),
    limits: { batchMs: 1, maxPendingBytes: 1_000_000 },
  })
  return { reader, descriptor, notes, writer }
}

/** What is in the pipe now. */
function drain(reader: number): string {
  const bytes = Buffer.alloc(1_000_000)
  let text = ''
  for (;;) {
    try {
      const count = readSync(reader, bytes)
      if (count === 0) return text
      text += bytes.toString('utf8', 0, count)
    } catch (error) {
      assert.ok(error instanceof Error && 'code' in error && error.code === 'EAGAIN')
      return text
    }
  }
}

test('a full pipe holds nobody up, and nothing is torn or lost when it is read again', async () => {
  const { reader, descriptor, notes, writer } = openPipe('full')
  const lines = Array.from({ length: 5000 }, (_, index) => `${index} ${'x'.repeat(90)}\n`)
  for (const line of lines) writer.write(line.trimEnd()) // 480 KB into a pipe of 64 KiB
  const startMs = performance.now()
  await writer.flush(100)
  const tookMs = performance.now() - startMs
  assert.ok(tookMs >= 95 && tookMs < 2000, `the budget was 100 ms, it took ${tookMs}`)
  assert.equal(writer.lostLineCount(), 0)
  let text = ''
  while (text.length < lines.join('').length) {
    text += drain(reader)
    await sleep(5)
  }
  assert.equal(text, lines.join(''))
  await writer.close(1000)
  assert.deepEqual([writer.writtenLineCount(), writer.lostLineCount()], [5000, 0])
  assert.deepEqual(notes, [])
  closeSync(reader)
  closeSync(descriptor)
})

test('a stuck reader costs the oldest lines, and every line is accounted for', async () => {
  const { reader, descriptor, notes, writer } = openPipe('stuck')
  for (let round = 0; round < 50; round += 1) {
    for (let index = 0; index < 1000; index += 1) writer.write(`${round} ${'x'.repeat(96)}`)
    await sleep(1)
  }
  assert.ok(writer.lostLineCount() > 30_000)
  assert.equal(notes.length, 1)
  const closed = writer.close(60_000)
  let text = ''
  const timer = setInterval(() => void (text += drain(reader)), 2)
  await closed
  clearInterval(timer)
  text += drain(reader)
  const lines = text.trimEnd().split('\n')
  assert.equal(lines.length + writer.lostLineCount(), 50_000)
  assert.ok(
    lines.every((line) => /^\d+ x{96}$/.test(line)),
    'no line is torn',
  )
  assert.match(lines.at(-1) ?? '', /^49 /)
  closeSync(reader)
  closeSync(descriptor)
})

test('a reader that has gone is told once; lines are counted as lost, mail goes on', async () => {
  const { reader, descriptor, notes, writer } = openPipe('gone')
  writer.write('read')
  await writer.flush(1000)
  assert.equal(drain(reader), 'read\n')
  closeSync(reader)
  writer.write('unread 1')
  writer.write('unread 2')
  await writer.flush(1000)
  writer.write('unread 3')
  await writer.flush(1000)
  assert.deepEqual([writer.writtenLineCount(), writer.lostLineCount()], [1, 3])
  assert.equal(notes.length, 1)
  assert.match(notes[0] ?? '', /EPIPE/)
  await writer.close(1000)
  closeSync(descriptor)
})

const module = new URL('log-writer.ts', import.meta.url).href
const script = `
  const { openLogWriter } = await import(${JSON.stringify(module)})
  const writer = openLogWriter({ target: { kind: 'descriptor', descriptor: 1 }, note: () => {} })
  for (let index = 0; index < 40_000; index += 1) writer.write('x'.repeat(99))
  await writer.close(200)
  process.exit(writer.lostLineCount() > 0 ? 42 : 0)
`

/** The code a process ends with that logs more than its standard output takes. */
async function exitCode(standardOutput: 'pipe' | number): Promise<unknown> {
  const child = spawn(process.execPath, ['--input-type=module', '-e', script], {
    stdio: ['ignore', standardOutput, 'inherit'],
  })
  child.stdout?.pause()
  const ended: Promise<unknown[]> = once(child, 'exit')
  const [code] = await Promise.race([ended, sleep(10_000, ['still running'], { ref: false })])
  child.kill('SIGKILL')
  return code
}

test('a process can end although nobody reads its log: a socket, such as of the journal', async () => {
  assert.equal(await exitCode('pipe'), 42) // what Node calls a pipe is a pair of sockets
})

test('a process can end although nobody reads its log: a pipe', async () => {
  const path = join(folder, 'exit')
  execFileSync('mkfifo', [path])
  const reader = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK)
  const descriptor = openSync(path, constants.O_WRONLY)
  assert.equal(await exitCode(descriptor), 42)
  closeSync(reader)
  closeSync(descriptor)
})
