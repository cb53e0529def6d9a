// What one event costs the process: counting, encoding and queueing, with a log that is really written.
// node bench/telemetry.ts

import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setImmediate } from 'node:timers/promises'
import { systemClock } from '#base/clock.ts'
import type { PforteEvent } from '#telemetry/pforte-event.ts'
import { sampleEvents } from '#telemetry/sample-events.ts'
import { openTelemetry, type Telemetry } from '#telemetry/telemetry.ts'

const eventsPerTurn = 50 // of the event loop, so that writes can end in between
const turnCount = 400
const roundCount = 10

const folder = mkdtempSync(join(tmpdir(), 'pforte-bench-'))

for (const format of ['json', 'human'] as const) {
  const target = { kind: 'file', path: join(folder, format) } as const
  const telemetry = openTelemetry({
    log: { format, target },
    clock: systemClock,
    isTerminal: false,
  })
  for (const kind of ['session-opened', 'recipient-judged', 'mail-finished'] as const) {
    const costs: number[] = []
    for (let round = 0; round < roundCount; round += 1) {
      await telemetry.flush(10_000)
      costs.push(await nanosecondsPerEvent(telemetry, sampleEvents[kind]))
    }
    print(
      `${format} ${kind}: ${Math.round(Math.min(...costs))} ns an event (best of ${roundCount})`,
    )
  }
  await telemetry.close(10_000)
  print(
    telemetry.metrics
      .exposition()
      .match(/^pforte_log_lines_\w+ \d+$/gm)
      ?.join(', ') ?? '',
  )
}
rmSync(folder, { recursive: true })

/** CPU time of the main thread in `emit`, and in the turns of the loop that end the writes. */
async function nanosecondsPerEvent(telemetry: Telemetry, event: PforteEvent): Promise<number> {
  const startMs = performance.now()
  for (let turn = 0; turn < turnCount; turn += 1) {
    for (let index = 0; index < eventsPerTurn; index += 1) telemetry.emit(event)
    await setImmediate()
  }
  return ((performance.now() - startMs) * 1e6) / (turnCount * eventsPerTurn)
}

function print(line: string): void {
  process.stdout.write(`${line}\n`)
}
