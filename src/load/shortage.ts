// One thing there may be too little of: when that begins, and when it is over.

export type Shortage = 'loop-late' | 'descriptors-short' | 'memory-short'

/** `value` and `limit`: milliseconds for `loop-late`, else percent. */
export type LoadEvent =
  | {
      readonly kind: 'shedding-began'
      readonly shortage: Shortage
      readonly value: number
      readonly limit: number
    }
  | { readonly kind: 'shedding-ended'; readonly shortage: Shortage; readonly forMs: number }

/** Percent are slow to change: the end is a twentieth below. A late loop is well again, or it is not. */
const endShare: Readonly<Record<Shortage, number>> = {
  'loop-late': 0.25,
  'descriptors-short': 0.95,
  'memory-short': 0.95,
}

export class ShortageGauge {
  readonly shortage: Shortage
  readonly #emit: (event: LoadEvent) => void
  readonly #monotonicMs: () => number
  #sinceMs: number | null = null

  constructor(
    shortage: Shortage,
    options: { readonly emit: (event: LoadEvent) => void; readonly monotonicMs: () => number },
  ) {
    this.shortage = shortage
    this.#emit = options.emit
    this.#monotonicMs = options.monotonicMs
  }

  get isShort(): boolean {
    return this.#sinceMs !== null
  }

  update(value: number, limit: number): void {
    const { shortage } = this
    if (this.#sinceMs === null) {
      if (value < limit) return
      this.#sinceMs = this.#monotonicMs()
      this.#emit({ kind: 'shedding-began', shortage, value, limit })
    } else if (value < limit * endShare[shortage]) {
      const forMs = this.#monotonicMs() - this.#sinceMs
      this.#sinceMs = null
      this.#emit({ kind: 'shedding-ended', shortage, forMs })
    }
  }
}
