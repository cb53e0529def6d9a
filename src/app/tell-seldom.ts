// Connections that the system could not give, told at most once a second.

import { systemClock } from '#base/clock.ts'
import type { Telemetry } from '#telemetry/telemetry.ts'

/** The system may fail as often as somebody connects. */
export function tellSeldom({ emit }: Telemetry): (error: Error) => void {
  let count = 0
  let toldMs = -Infinity
  return (error) => {
    count += 1
    const nowMs = systemClock.monotonicMs()
    if (nowMs - toldMs < 1000) return
    emit({ kind: 'accept-failed', count, detail: error.message })
    count = 0
    toldMs = nowMs
  }
}
