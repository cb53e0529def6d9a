// Whether this process has enough of everything to take more work: time, file descriptors, memory. The door.

import { Descriptors } from './descriptors.ts'
import { memoryPercent } from './memory.ts'
import { ShortageGauge, type LoadEvent, type Shortage } from './shortage.ts'

export type { LoadEvent, Shortage } from './shortage.ts'

export interface LoadLimits {
  readonly maxLoopDelayMs: number
  /** Of what the process may open. */
  readonly maxDescriptorPercent: number
  /** Of the heap, or of what the cgroup may use. */
  readonly maxMemoryPercent: number
}

export interface LoadWatchOptions {
  /** Asked for at each look. */
  readonly limits: () => LoadLimits
  readonly monotonicMs: () => number
  readonly emit: (event: LoadEvent) => void
}

export interface LoadWatch {
  /**
   * What is short now, null: nothing. To be asked once for each connection that is taken then: it opens a
   * descriptor.
   */
  readonly shortage: () => Shortage | null
  /** Whether `shortage` would name something; counts nothing. */
  readonly isShort: () => boolean
  readonly close: () => void
}

const tickMs = 100
/** Descriptors and memory are looked at every so many ticks. */
const ticksPerLook = 10

/** Looks at once, and then until it is closed. Keeps no process alive. */
export function openLoadWatch(options: LoadWatchOptions): LoadWatch {
  const { limits, monotonicMs } = options
  const delay = new ShortageGauge('loop-late', options)
  const descriptors = new ShortageGauge('descriptors-short', options)
  const memory = new ShortageGauge('memory-short', options)
  const counter = new Descriptors()
  const lookAtDescriptors = (): void =>
    descriptors.update(counter.percent(), limits().maxDescriptorPercent)
  const look = (): void => {
    lookAtDescriptors()
    memory.update(memoryPercent(), limits().maxMemoryPercent)
  }
  let tickCount = 0
  let tickedMs = monotonicMs()
  let averageMs = 0
  /** One pause of the process is no overload: half of what is counted lies in the past. */
  const averageNow = (): number => (averageMs + Math.max(0, monotonicMs() - tickedMs - tickMs)) / 2
  const tick = (): void => {
    averageMs = averageNow()
    tickedMs = monotonicMs()
    delay.update(averageMs, limits().maxLoopDelayMs)
    tickCount += 1
    if (tickCount % ticksPerLook === 0) look()
  }
  look()
  const timer = setInterval(tick, tickMs).unref()
  const all = [delay, descriptors, memory]
  return {
    shortage: () => {
      // After a pause connections come before the tick.
      const delayMs = averageNow()
      if (delayMs >= limits().maxLoopDelayMs) delay.update(delayMs, limits().maxLoopDelayMs)
      if (counter.take() >= limits().maxDescriptorPercent) lookAtDescriptors()
      return all.find((gauge) => gauge.isShort)?.shortage ?? null
    },
    isShort: () => all.some((gauge) => gauge.isShort),
    close: () => clearInterval(timer),
  }
}
