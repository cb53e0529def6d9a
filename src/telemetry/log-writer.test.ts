import assert from 'node:assert/strict'
import { existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { openLogWriter, type LogWriterLimits } from './log-writer.ts'
import { TelemetryOpenError } from './telemetry-open-error.ts'

const folder = mkdtempSync(join(tmpdir(), 'pforte-log-'))
after(() => rmSync(folder, { recursive: true }))

function openFile(name: string, limits: Partial<LogWriterLimits> = {}) {
  const path = join(folder, name)
  const notes: string[] = []
  const note = (text: string) => void notes.push(text)
  return { path, notes, writer: openLogWriter({ target: { kind: 'file', path }, note, limits }) }
}

/** The text of the file once it has any. */
async function textOf(path: string): Promise<string> {
  for (let turn = 0; turn < 1000; turn += 1) {
    const text = readFileSync(path, 'utf8')
    if (text !== '') return text
    await sleep(10)
  }
  return assert.fail('nothing was written within 10 s')
}

test('lines are written together after the batch time, not one by one', async () => {
  const { path, writer } = openFile('batch.log', { batchMs: 500 })
  const startMs = performance.now()
  writer.write('one')
  await sleep(5)
  writer.write('zwei: ü')
  assert.equal(await textOf(path), 'one\nzwei: ü\n')
  assert.ok(performance.now() - startMs >= 495)
  await writer.close(1000)
})

test('a full batch does not wait for the time', async () => {
  const { path, writer } = openFile('full.log', { batchMs: 60_000, batchBytes: 1000 })
  for (let index = 0; index < 300; index += 1) writer.write(`line ${index}`)
  assert.match(await textOf(path), /^line 0\n/)
  await writer.close(1000)
  const expected = Array.from({ length: 300 }, (_, index) => `line ${index}\n`).join('')
  assert.equal(readFileSync(path, 'utf8'), expected)
  assert.deepEqual([writer.writtenLineCount(), writer.lostLineCount()], [300, 0])
})

test('a line longer than a batch arrives whole', async () => {
  const { path, writer } = openFile('long.log', { batchBytes: 100 })
  writer.write('a')
  writer.write('ü'.repeat(5000))
  writer.write('b')
  await writer.close(1000)
  assert.equal(readFileSync(path, 'utf8'), `a\n${'ü'.repeat(5000)}\nb\n`)
})

test('flush waits for the lines before it, and a quiet log has nothing to wait for', async () => {
  const { path, writer } = openFile('flush.log', { batchMs: 60_000 })
  await writer.flush(60_000)
  writer.write('one')
  const first = writer.flush(60_000)
  writer.write('two')
  await first
  assert.match(readFileSync(path, 'utf8'), /^one\n/)
  await writer.flush(60_000)
  assert.equal(readFileSync(path, 'utf8'), 'one\ntwo\n')
  await writer.close(0)
})

test('after rotation new lines go to the new file, and none is lost', async () => {
  const { path, writer } = openFile('rotate.log', { batchMs: 5 })
  const total = 5000
  for (let index = 0; index < total; index += 1) {
    writer.write(`line ${index}`)
    if (index % 1000 === 500) {
      await sleep(index % 3) // in the middle of a write, or not
      renameSync(path, join(folder, `rotate.log.${index}`))
      writer.reopen()
    }
  }
  await writer.close(1000)
  const names = [500, 1500, 2500, 3500, 4500].map((index) => `rotate.log.${index}`)
  const texts = [...names, 'rotate.log'].map((name) => readFileSync(join(folder, name), 'utf8'))
  const expected = Array.from({ length: total }, (_, index) => `line ${index}\n`).join('')
  assert.equal(texts.join(''), expected)
  assert.ok(existsSync(path))
})

test('a rotation that fails keeps the old file and is told', async () => {
  const { path, writer, notes } = openFile('stay.log')
  renameSync(path, join(folder, 'moved.log'))
  mkdirSync(path) // a folder stands where the file should be
  writer.reopen()
  writer.write('still here')
  await writer.close(1000)
  assert.equal(readFileSync(join(folder, 'moved.log'), 'utf8'), 'still here\n')
  assert.equal(notes.length, 1)
  assert.match(notes[0] ?? '', /stay\.log.*EISDIR/)
})

test('a full disk is told once and tried again; memory stays bounded; what is lost is counted', async () => {
  const notes: string[] = []
  const writer = openLogWriter({
    target: { kind: 'file', path: '/dev/full' },
    note: (text) => void notes.push(text),
    limits: { batchBytes: 1000, batchMs: 1, retryMs: 5, maxPendingBytes: 20_000 },
  })
  for (let round = 0; round < 20; round += 1) {
    for (let index = 0; index < 100; index += 1) writer.write('x'.repeat(99))
    await sleep(5)
  }
  assert.equal(notes.filter((note) => note.includes('ENOSPC')).length, 1)
  assert.equal(notes.filter((note) => note.includes('lines are lost')).length, 1)
  assert.ok(writer.lostLineCount() >= 2000 - 210)
  assert.ok(writer.lostLineCount() < 2000)
  await writer.close(20)
  assert.deepEqual([writer.writtenLineCount(), writer.lostLineCount()], [0, 2000])
  writer.write('after the end')
  assert.equal(writer.lostLineCount(), 2001)
})

test('a file that cannot be opened at the start is an error with a code', () => {
  const target = { kind: 'file', path: join(folder, 'no', 'such.log') } as const
  assert.throws(
    () => openLogWriter({ target, note: () => {} }),
    (error) => error instanceof TelemetryOpenError && error.code === 'ENOENT',
  )
  assert.throws(
    () => openLogWriter({ target: { kind: 'descriptor', descriptor: 9999 }, note: () => {} }),
    (error) => error instanceof TelemetryOpenError && error.code === 'EBADF',
  )
})
