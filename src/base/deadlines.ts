// One timer for all deadlines of a process: a session or a connection costs a number, not a timer.

/** Something that may wait too long. `expire` is called once `deadlineMs` (monotonic) has passed. */
export interface Expirable {
  /** Monotonic milliseconds; Infinity while nothing is awaited. The owner changes it at will. */
  deadlineMs: number
  /** Must not throw. The deadline has been set to Infinity before. */
  readonly expire: () => void
}

/** Coarse on purpose: a deadline is noticed at most `intervalMs` late, never early. */
export class Deadlines {
  readonly #items = new Set<Expirable>()
  readonly #monotonicMs: () => number
  readonly #intervalMs: number
  #timer: NodeJS.Timeout | null = null

  constructor(options: { readonly monotonicMs: () => number; readonly intervalMs: number }) {
    this.#monotonicMs = options.monotonicMs
    this.#intervalMs = options.intervalMs
  }

  add(item: Expirable): void {
    this.#items.add(item)
    this.#timer ??= setInterval(() => this.#sweep(), this.#intervalMs).unref()
  }

  delete(item: Expirable): void {
    this.#items.delete(item)
    if (this.#items.size > 0 || this.#timer === null) return
    clearInterval(this.#timer)
    this.#timer = null
  }

  /** What `deadlineMs` has to be for something that may take `ms` from now. */
  in(ms: number): number {
    return this.#monotonicMs() + ms
  }

  #sweep(): void {
    const now = this.#monotonicMs()
    for (const item of this.#items) {
      if (item.deadlineMs > now) continue
      item.deadlineMs = Infinity
      item.expire()
    }
  }
}
