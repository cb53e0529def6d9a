// Whether places for sessions have become rare, with some distance between the beginning and the end.

import type { IntakeEvent } from './intake-event.ts'

/** The end is this far below the beginning, so that one client more or less does not turn it. */
const distancePercent = 10

export class Strain {
  readonly #emit: (event: IntakeEvent) => void
  readonly #monotonicMs: () => number
  #sinceMs: number | null = null

  constructor(options: {
    readonly emit: (event: IntakeEvent) => void
    readonly monotonicMs: () => number
  }) {
    this.#emit = options.emit
    this.#monotonicMs = options.monotonicMs
  }

  get isStrained(): boolean {
    return this.#sinceMs !== null
  }

  /** `count` of `maxCount` places are taken; `atPercent` of them are too many. */
  look(count: number, maxCount: number, atPercent: number): void {
    const percent = (count * 100) / maxCount
    if (this.#sinceMs === null) {
      if (percent < atPercent) return
      this.#sinceMs = this.#monotonicMs()
      this.#emit({ kind: 'strain-began', sessionCount: count, maxSessionCount: maxCount })
    } else if (percent < Math.max(1, atPercent - distancePercent)) {
      const forMs = this.#monotonicMs() - this.#sinceMs
      this.#sinceMs = null
      this.#emit({ kind: 'strain-ended', sessionCount: count, forMs })
    }
  }
}
