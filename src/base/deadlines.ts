// One timer for all deadlines of a process: a session or a connection costs a number, not a timer.

/** Something that may wait too long. `expire` is called once `deadlineMs` (monotonic) has passed. */
export interface Expirable {
  /** Monotonic milliseconds; Infinity while nothing is awaited. The owner changes it at will. */
  deadlineMs: number
  /** Must not throw. The deadline has been set to Infinity before. */
  readonly expire: () => void
}

/** A sweep that comes this late says nothing about whom it would expire. */
const maxLateMs = 500

/** Coarse on purpose: a deadline is noticed about `intervalMs` late, never early; and later
 * when the process itself was. */
export class Deadlines {
  readonly #items = new Set<Expirable>()
  readonly #monotonicMs: () => number
  readonly #intervalMs: number
  #timer: NodeJS.Timeout | null = null
  #sweptMs = 0
  #isPutOff = false

  constructor(options: { readonly monotonicMs: () => number; readonly intervalMs: number }) {
    this.#monotonicMs = options.monotonicMs
    this.#intervalMs = options.intervalMs
  }

  add(item: Expirable): void {
    this.#items.add(item)
    if (this.#timer !== null) return
    this.#sweptMs = this.#monotonicMs()
    this.#timer = setInterval(() => this.#sweep(), this.#intervalMs).unref()
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
    const lateMs = now - this.#sweptMs - this.#intervalMs
    this.#sweptMs = now
    // The process has slept, and timers come before sockets: what arrived meanwhile is looked at first.
    this.#isPutOff = lateMs > this.#intervalMs + maxLateMs && !this.#isPutOff
    if (this.#isPutOff) return
    for (const item of this.#items) {
      if (item.deadlineMs > now) continue
      item.deadlineMs = Infinity
      item.expire()
    }
  }
}
