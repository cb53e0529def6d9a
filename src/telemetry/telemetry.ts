// The door: events go in, log lines and metrics come out. Modules are given `emit` and know nothing else.

import { write } from 'node:fs'
import type { Clock } from '#base/clock.ts'
import { humanLine } from './human-line.ts'
import { encodeLogLine } from './log-line.ts'
import type { LogTarget } from './log-target.ts'
import { openLogWriter, type LogWriter, type LogWriterLimits } from './log-writer.ts'
import { openMetricsServer, type Health, type MetricsServer } from './metrics-server.ts'
import { MetricsRegistry } from './metrics.ts'
import type { PforteEvent } from './pforte-event.ts'
import { createPforteMetrics, type PforteMetrics } from './pforte-metrics.ts'
import { createProcessMetrics } from './process-metrics.ts'

export type { PforteEvent } from './pforte-event.ts'
export type { Health, MetricsServer } from './metrics-server.ts'
export { TelemetryOpenError } from './telemetry-open-error.ts'

export interface TelemetryOptions {
  readonly log: {
    /** `auto`: for people on a terminal, JSON elsewhere. */
    readonly format: 'auto' | 'json' | 'human'
    readonly target: LogTarget
    readonly limits?: Partial<LogWriterLimits>
  }
  readonly clock: Clock
  /** The target is a terminal. */
  readonly isTerminal: boolean
  /** Colours of human lines; as `isTerminal` when left out (NO_COLOR is for the caller to know). */
  readonly isColoured?: boolean
  /** Where trouble with the log itself is told; standard error when left out. One line, no line feed. */
  readonly note?: (text: string) => void
}

export interface ServeOptions {
  readonly address: string
  /** 0: any free one. */
  readonly port: number
  /** The text of /metrics; absent: that of this process. */
  readonly exposition?: () => Promise<string>
  readonly health: () => Health
}

export interface Telemetry {
  /**
   * Counts and logs. Encodes at once, so the event may be changed afterwards; never waits, never
   * throws: a session does not fail because its event could not be told.
   */
  readonly emit: (event: PforteEvent) => void
  /** Only counts it: another process has logged it. */
  readonly count: (event: PforteEvent) => void
  readonly metrics: MetricsRegistry
  /** Rejects with TelemetryOpenError when the port cannot be opened. The caller closes the server. */
  readonly serve: (options: ServeOptions) => Promise<MetricsServer>
  /** Opens the log file anew, for log rotation (SIGHUP). Nothing to do for other targets. */
  readonly reopen: () => void
  /** Resolves when the lines so far have left or are lost, after `budgetMs` at most. Never rejects. */
  readonly flush: (budgetMs: number) => Promise<void>
  /** Flushes, then lets the log go. Events after that are counted, not logged. Never rejects. */
  readonly close: (budgetMs: number) => Promise<void>
}

/** @throws {TelemetryOpenError} when the log cannot be opened. */
export function openTelemetry(options: TelemetryOptions): Telemetry {
  const { log, note = noteOnStandardError } = options
  const writer = openLogWriter({ target: log.target, note, limits: log.limits ?? {} })
  const metrics = new MetricsRegistry()
  const pforteMetrics = createPforteMetrics(metrics)
  const failures = defineLogMetrics(metrics, writer)
  const processMetrics = createProcessMetrics(metrics)
  return {
    emit: createEmit(options, writer, pforteMetrics, failures),
    count: pforteMetrics.record,
    metrics,
    serve: (serveOptions) =>
      openMetricsServer({ exposition: () => metrics.exposition(), ...serveOptions }),
    reopen: () => writer.reopen(),
    flush: (budgetMs) => writer.flush(budgetMs),
    close: (budgetMs) => {
      processMetrics.close()
      return writer.close(budgetMs)
    },
  }
}

function createEmit(
  options: TelemetryOptions,
  writer: LogWriter,
  metrics: PforteMetrics,
  failures: { count: number },
): (event: PforteEvent) => void {
  const { clock, note = noteOnStandardError } = options
  const encode = createEncoder(options)
  return (event) => {
    try {
      metrics.record(event)
      writer.write(encode(event, clock.now()))
    } catch (error) {
      failures.count += 1
      if (failures.count === 1) note(`log: event ${event.kind} could not be told: ${String(error)}`)
    }
  }
}

function createEncoder(options: TelemetryOptions): (event: PforteEvent, timeMs: number) => string {
  const { log, isTerminal, isColoured = isTerminal } = options
  const isHuman = log.format === 'human' || (log.format === 'auto' && isTerminal)
  if (!isHuman) return encodeLogLine
  return (event, timeMs) => humanLine(event, timeMs, { isColoured, isDated: !isTerminal })
}

function defineLogMetrics(metrics: MetricsRegistry, writer: LogWriter): { count: number } {
  const failures = { count: 0 }
  const observe = (name: string, help: string, read: () => number) =>
    metrics.observed('counter', { name, help, labels: [] }, read)
  observe('pforte_log_lines_written_total', 'Log lines written.', writer.writtenLineCount)
  observe(
    'pforte_log_lines_lost_total',
    'Log lines lost because the log could not be written or not fast enough.',
    writer.lostLineCount,
  )
  observe(
    'pforte_log_failures_total',
    'Events that could not be told at all: a bug. Should stay 0.',
    () => failures.count,
  )
  return failures
}

/** Not `process.stderr`: that may wait for a reader. */
function noteOnStandardError(text: string): void {
  write(2, `pforte: ${text}\n`, () => {})
}
