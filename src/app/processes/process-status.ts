// What a process can say of itself.

import type { PforteEvent } from '#telemetry/telemetry.ts'
import type { ProcessStatus } from './relay-status.ts'

/** Counts what `pforte status` shows. */
export class StatusCounter {
  #mailCount = 0
  #recipientCount = 0

  readonly count = (event: PforteEvent): void => {
    if (event.kind === 'mail-finished') this.#mailCount += 1
    else if (event.kind === 'recipient-judged') this.#recipientCount += 1
  }

  status(name: string, sessionCount: number): ProcessStatus {
    const { user, system } = process.cpuUsage()
    return {
      name,
      pid: process.pid,
      uptimeMs: process.uptime() * 1000,
      residentBytes: process.memoryUsage.rss(),
      cpuMs: (user + system) / 1000,
      sessionCount,
      mailCount: this.#mailCount,
      recipientCount: this.#recipientCount,
    }
  }
}
