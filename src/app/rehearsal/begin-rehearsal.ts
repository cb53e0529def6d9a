// The rehearsal of a process that has just opened its ports: in the background, and told in the log.

import { systemClock } from '#base/clock.ts'
import type { Config } from '#config/config.ts'
import type { Telemetry } from '#telemetry/telemetry.ts'
import { rehearse } from './rehearse.ts'

/** `end` resolves when nothing of it is left. Never rejects. */
export function beginRehearsal(options: {
  readonly config: Config
  /** Made for it, and removed. */
  readonly folder: string
  readonly isLinked: boolean
  readonly isBusy: () => boolean
  readonly telemetry: Pick<Telemetry, 'emit'>
}): { readonly end: () => Promise<void> } {
  const { telemetry } = options
  const stop = new AbortController()
  const done = run()
  return {
    end: async () => {
      stop.abort()
      await done
    },
  }

  async function run(): Promise<void> {
    if (options.config.rehearsal.mailCount === 0) return
    const { monotonicMs } = systemClock
    const startMs = monotonicMs()
    try {
      const mailCount = await rehearse({ ...options, signal: stop.signal })
      telemetry.emit({ kind: 'rehearsed', mailCount, tookMs: monotonicMs() - startMs })
    } catch (error) {
      if (stop.signal.aborted) return
      telemetry.emit({ kind: 'rehearsal-failed', detail: String(error) })
    }
  }
}
