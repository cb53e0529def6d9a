// Two looks at a relay, a moment apart, as one with rates.

import type { ProcessStatus, RelayStatus } from '#app/processes/relay-status.ts'
import type { SeenStatus } from './ask-status.ts'

/** A process and what it did between the two looks. Null: it was not there at the first one. */
export interface ProcessRates extends ProcessStatus {
  /** 100 is one core. */
  readonly cpuPercent: number | null
  readonly mailsPerSecond: number | null
  readonly recipientsPerSecond: number | null
}

export interface StatusWithRates extends Omit<RelayStatus, 'processes'> {
  readonly processes: readonly ProcessRates[]
}

export function ratesBetween(before: SeenStatus, after: SeenStatus): StatusWithRates {
  const seconds = (after.atMs - before.atMs) / 1000
  const earlier = new Map(before.status.processes.map((process) => [process.pid, process]))
  const processes = after.status.processes.map((process): ProcessRates => {
    const first = earlier.get(process.pid)
    if (first === undefined || seconds <= 0) {
      return { ...process, cpuPercent: null, mailsPerSecond: null, recipientsPerSecond: null }
    }
    return {
      ...process,
      cpuPercent: (process.cpuMs - first.cpuMs) / 10 / seconds,
      mailsPerSecond: (process.mailCount - first.mailCount) / seconds,
      recipientsPerSecond: (process.recipientCount - first.recipientCount) / seconds,
    }
  })
  return { ...after.status, processes }
}
