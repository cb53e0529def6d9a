// The process itself: memory, CPU, age, and how late its event loop runs. Names as other exporters have
// them, so that existing dashboards fit.

import { monitorEventLoopDelay } from 'node:perf_hooks'
import type { MetricsRegistry } from './metrics.ts'

export interface ProcessMetrics {
  /** Stops the measurement of the event loop. */
  readonly close: () => void
}

const samplingMs = 20

export function createProcessMetrics(registry: MetricsRegistry): ProcessMetrics {
  const startSeconds = Date.now() / 1000 - process.uptime()
  const observe = (kind: 'counter' | 'gauge', name: string, help: string, read: () => number) =>
    registry.observed(kind, { name, help, labels: [] }, read)
  observe('counter', 'process_cpu_seconds_total', 'User and system CPU time spent.', cpuSeconds)
  observe('gauge', 'process_resident_memory_bytes', 'Resident memory.', () =>
    process.memoryUsage.rss(),
  )
  observe('gauge', 'nodejs_heap_size_used_bytes', 'Memory used by JavaScript values.', () => {
    return process.memoryUsage().heapUsed
  })
  observe('gauge', 'nodejs_external_memory_bytes', 'Memory of buffers.', () => {
    return process.memoryUsage().external
  })
  observe('gauge', 'process_start_time_seconds', 'Start, since the epoch.', () => startSeconds)
  return createLoopMetrics(observe)
}

function createLoopMetrics(
  observe: (kind: 'gauge', name: string, help: string, read: () => number) => void,
): ProcessMetrics {
  const delays = monitorEventLoopDelay({ resolution: samplingMs })
  delays.enable()
  observe(
    'gauge',
    'nodejs_eventloop_lag_p50_seconds',
    'Median lateness of the event loop since the last scrape.',
    () => lagSeconds(delays.percentile(50)),
  )
  observe(
    'gauge',
    'nodejs_eventloop_lag_p99_seconds',
    '99th percentile of the lateness of the event loop since the last scrape.',
    () => lagSeconds(delays.percentile(99)),
  )
  observe(
    'gauge',
    'nodejs_eventloop_lag_max_seconds',
    'Worst lateness of the event loop since the last scrape.',
    () => {
      const seconds = lagSeconds(delays.max)
      delays.reset() // this gauge is the last of the three in the exposition
      return seconds
    },
  )
  return { close: () => delays.disable() }
}

/** The histogram holds the time between two samples: what is over the interval is lateness. */
function lagSeconds(nanoseconds: number): number {
  return Math.max(0, nanoseconds / 1e9 - samplingMs / 1000)
}

function cpuSeconds(): number {
  const { user, system } = process.cpuUsage()
  return (user + system) / 1e6
}
