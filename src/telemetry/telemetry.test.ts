import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { mkdtempSync, readFileSync, renameSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { promisify } from 'node:util'
import { systemClock } from '#base/clock.ts'
import { sampleEvents } from './sample-events.ts'
import { openTelemetry, type TelemetryOptions } from './telemetry.ts'

const folder = mkdtempSync(join(tmpdir(), 'pforte-telemetry-'))
after(() => rmSync(folder, { recursive: true }))

const timeMs = Date.UTC(2026, 9, 5, 14, 3, 21, 42)
const clock = { ...systemClock, now: () => timeMs }

function open(name: string, options: Partial<TelemetryOptions> & { format?: 'human' | 'auto' }) {
  const path = join(folder, name)
  const { format = 'auto', ...others } = options
  const log = { format, target: { kind: 'file', path } } as const
  const telemetry = openTelemetry({ log, clock, isTerminal: false, ...others })
  return { path, telemetry }
}

test('an event becomes a JSON line and a number, seen over HTTP', async () => {
  const { path, telemetry } = open('a.log', {})
  const server = await telemetry.serve({
    address: '127.0.0.1',
    port: 0,
    health: () => ({ kind: 'ok' }),
  })
  telemetry.emit(sampleEvents['session-opened'])
  telemetry.emit(sampleEvents['mail-finished'])
  await telemetry.flush(1000)
  const [first, second] = readFileSync(path, 'utf8').trimEnd().split('\n').map(parse)
  assert.equal(first?.['event'], 'session-opened')
  assert.equal(second?.['time'], '2026-10-05T14:03:21.042Z')
  const text = await (await fetch(`http://127.0.0.1:${server.port}/metrics`)).text()
  assert.match(text, /^pforte_sessions_total 1$/m)
  assert.match(text, /^pforte_log_lines_written_total 2$/m)
  assert.match(text, /^process_resident_memory_bytes \d{7,}$/m)
  assert.match(text, /^nodejs_eventloop_lag_p99_seconds [0-9.e-]+$/m)
  await server.close()
  await telemetry.close(1000)
})

test('the format: auto is human on a terminal only; a file is not coloured', async () => {
  const terminal = open('b.log', { isTerminal: true })
  const file = open('c.log', { format: 'human' })
  for (const { telemetry } of [terminal, file]) {
    telemetry.emit(sampleEvents.stopped)
    await telemetry.close(1000)
  }
  assert.match(readFileSync(terminal.path, 'utf8'), /^\u001b\[2m[0-9:.]{12} -/) // oxlint-disable-line no-control-regex -- a colour
  assert.match(readFileSync(file.path, 'utf8'), /^\d{4}-\d\d-\d\d [0-9:.]{12} -     stopped\n$/)
})

test('reopen goes on in a new file', async () => {
  const { path, telemetry } = open('d.log', {})
  telemetry.emit(sampleEvents.started)
  await telemetry.flush(1000)
  renameSync(path, `${path}.1`)
  telemetry.reopen()
  telemetry.emit(sampleEvents.stopped)
  await telemetry.close(1000)
  assert.match(readFileSync(`${path}.1`, 'utf8'), /^.*"started".*\n$/)
  assert.match(readFileSync(path, 'utf8'), /^.*"stopped".*\n$/)
})

test('an event that cannot be told is counted and noted once, and emit does not throw', async () => {
  const notes: string[] = []
  const { telemetry } = open('e.log', { note: (text) => void notes.push(text) })
  const broken = {
    ...sampleEvents.greeted,
    get name(): string {
      throw new Error('no name')
    },
  }
  telemetry.emit(broken)
  telemetry.emit(broken)
  assert.match(telemetry.metrics.exposition(), /^pforte_log_failures_total 2$/m)
  assert.deepEqual(notes, ['log: event greeted could not be told: Error: no name'])
  await telemetry.close(1000)
})

test('an open telemetry does not keep a process from ending, and its lines arrive', async () => {
  const module = new URL('telemetry.ts', import.meta.url).href
  const script = `
    const { openTelemetry } = await import(${JSON.stringify(module)})
    const log = { format: 'json', target: { kind: 'descriptor', descriptor: 1 } }
    const clock = { now: () => 0, monotonicMs: () => 0 }
    openTelemetry({ log, clock, isTerminal: false }).emit({ kind: 'stopped' })`
  const options = { timeout: 10_000 }
  const { stdout } = await promisify(execFile)(
    process.execPath,
    ['--input-type=module', '-e', script],
    options,
  )
  assert.equal(stdout, '{"time":"1970-01-01T00:00:00.000Z","level":"info","event":"stopped"}\n')
})

function parse(line: string): Record<string, unknown> {
  return JSON.parse(line)
}
