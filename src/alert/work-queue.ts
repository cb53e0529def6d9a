// Work in the background: a bounded queue, the oldest goes first and is dropped first.

import { setTimeout as sleep } from 'node:timers/promises'

export interface WorkQueueOptions<Item> {
  readonly maxWaitingCount: number
  readonly maxRunningCount: number
  /** Ends soon after the signal. */
  readonly work: (item: Item, signal: AbortSignal) => Promise<void>
  /** Must not throw. */
  readonly onDropped: (item: Item) => void
  /** `work` rejected, which is a bug. Must not throw. */
  readonly onFault: (error: unknown) => void
}

/** What is aborted has no more to do than to say so. */
const abortMs = 200

export class WorkQueue<Item> {
  readonly #options: WorkQueueOptions<Item>
  #waiting: Item[] = []
  readonly #running = new Set<Promise<void>>()
  readonly #closing = new AbortController()
  #isClosed = false

  constructor(options: WorkQueueOptions<Item>) {
    this.#options = options
  }

  push(item: Item): void {
    const { maxWaitingCount, onDropped } = this.#options
    if (this.#isClosed) {
      onDropped(item)
      return
    }
    this.#waiting.push(item)
    this.#fill()
    if (this.#waiting.length <= maxWaitingCount) return
    for (const dropped of this.#waiting.splice(0, 1)) onDropped(dropped)
  }

  /** Takes nothing more, finishes what it can in that time and drops the rest. */
  async close(graceMs: number): Promise<void> {
    this.#isClosed = true
    await atMost(graceMs, this.#idle())
    this.#closing.abort()
    const dropped = this.#waiting
    this.#waiting = []
    for (const item of dropped) this.#options.onDropped(item)
    await atMost(abortMs, Promise.all(this.#running))
  }

  async #idle(): Promise<void> {
    while (this.#running.size > 0) await Promise.race(this.#running)
  }

  #fill(): void {
    while (this.#running.size < this.#options.maxRunningCount) {
      const [item] = this.#waiting.splice(0, 1)
      if (item === undefined) return
      const running = this.#run(item).finally(() => {
        this.#running.delete(running)
        if (!this.#closing.signal.aborted) this.#fill()
      })
      this.#running.add(running)
    }
  }

  async #run(item: Item): Promise<void> {
    try {
      await this.#options.work(item, this.#closing.signal)
    } catch (error) {
      this.#options.onFault(error)
    }
  }
}

/** Leaves no timer behind that would keep the process alive. */
async function atMost(ms: number, promise: Promise<unknown>): Promise<void> {
  const done = new AbortController()
  const timer = sleep(ms, undefined, { signal: done.signal }).catch(() => undefined)
  await Promise.race([promise, timer])
  done.abort()
}
