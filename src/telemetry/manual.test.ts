// The generated pages of the manual are current. `UPDATE_DOCS=1` writes them.

import assert from 'node:assert/strict'
import { readFileSync, rmSync, writeFileSync, mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { systemClock } from '#base/clock.ts'
import type { Verdict } from '#verdict/verdict.ts'
import { fieldTable, logEventsChapter } from './log-events-table.ts'
import { logFields } from './log-line.ts'
import { metricsTable } from './metrics-table.ts'
import { sampleEvents } from './sample-events.ts'
import { openTelemetry } from './telemetry.ts'

process.env['TZ'] = 'UTC' // the human lines of the examples are local

const timeMs = Date.UTC(2026, 9, 5, 14, 3, 21, 42)
const update = 'UPDATE_DOCS=1 node --test src/telemetry/manual.test.ts'

function assertCurrent(name: string, page: string): void {
  const file = new URL(`../../docs/${name}`, import.meta.url)
  if (process.env['UPDATE_DOCS'] === '1') writeFileSync(file, page)
  assert.equal(readFileSync(file, 'utf8'), page, `docs/${name} is stale; write it with: ${update}`)
}

test('docs/metrics.md is current', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'pforte-manual-'))
  const target = { kind: 'file', path: join(folder, 'log') } as const
  const log = { format: 'json', target } as const
  const telemetry = openTelemetry({ log, clock: systemClock, isTerminal: false })
  assertCurrent(
    'metrics.md',
    `# Metrics

<!-- Generated: ${update} -->

Pforte answers \`GET /metrics\` in the Prometheus text format 0.0.4 on the address and port of \`metrics.listen\`,
and \`GET /healthz\` with \`200 ok\`, or 503 and the reason. Labels take closed sets of values; \`server\` and
\`route\` take the first 1000 names met, all others are counted as \`other\`.

${metricsTable(telemetry.metrics.descriptions())}`,
  )
  await telemetry.close(100)
  rmSync(folder, { recursive: true })
})

test('docs/log-events.md is current', () => {
  assertCurrent(
    'log-events.md',
    `# Log events

<!-- Generated: ${update} -->

One event is one line. \`log.format: json\` writes an object without nesting (but for \`transfers\`), \`human\` a
line for terminals; \`auto\` chooses. Names of events and fields are stable, texts for people are not. Text that
came from a peer is cut to 512 characters, and control characters in it are replaced by \`?\`. Durations are
milliseconds, sizes are bytes.

${logEventsChapter(Object.values(sampleEvents), timeMs)}`,
  )
})

/** Together with the samples they bring every field a verdict can have. */
const moreVerdicts: readonly Verdict[] = [
  { kind: 'defer', reason: { kind: 'next-hop-unreachable', server: 's', detail: 'd' } },
  { kind: 'defer', reason: { kind: 'too-many-recipients', maxCount: 100 } },
  { kind: 'reject', reason: { kind: 'loop', hopCount: 51 } },
  { kind: 'reject', reason: { kind: 'not-served', domain: 'd.example' } },
  { kind: 'defer', reason: { kind: 'dns-failed', subject: 'd.example', detail: 'timeout' } },
  { kind: 'defer', reason: { kind: 'greylisted', waitMs: 1 } },
]

test('every field has a meaning, and no meaning is left of a field that went', () => {
  const mails = moreVerdicts.map((verdict) => ({ ...sampleEvents['mail-finished'], verdict }))
  const events = [...Object.values(sampleEvents), ...mails]
  const names = new Set(events.flatMap((event) => Object.keys(logFields(event, timeMs))))
  assert.deepEqual([...names].sort(), Object.keys(fieldTable).sort())
})
