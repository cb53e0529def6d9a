// The place of one process of the relay: there is always one in it that works, but for the moments in which
// it is started, or started again after it was lost.

import { CommandError } from '#app/command.ts'
import type { Child } from './child.ts'

export interface SlotOptions {
  readonly name: string
  /** Starts a process with the configuration in force. */
  readonly spawn: (on: {
    readonly onReady: () => void
    readonly onEnded: (child: Child, how: string) => void
  }) => Child
  /** How long a process may take over its end. */
  readonly graceMs: () => number
}

/** Opening a large spool takes a while. */
const readyMs = 60_000
const firstPauseMs = 100
const longestPauseMs = 10_000
/** A process that lived so long is started again at once. */
const healthyMs = 10_000

export class Slot {
  readonly name: string
  readonly #options: SlotOptions
  /** All that run here, those that finish their mails included. */
  readonly #running = new Set<Child>()
  /** The one that works. */
  #current: Child | null = null
  /** One thing at a time: starts and replacements wait for each other. */
  #turn: Promise<void> = Promise.resolve()
  #pauseMs = 0
  #timer: NodeJS.Timeout | null = null
  #isClosed = false

  constructor(options: SlotOptions) {
    this.name = options.name
    this.#options = options
  }

  get children(): readonly Child[] {
    return [...this.#running]
  }

  /** Resolves when the first process is ready. Rejects with a CommandError when that fails. */
  async start(): Promise<void> {
    await this.#inTurn(async () => await this.#launch())
  }

  /**
   * `after`: the new one works before the old one is asked to end; `before`: the old one has ended before,
   * because only one may be there. Rejects with a CommandError when the new one cannot be started: then the
   * old one stays, or another one is tried.
   */
  async replace(order: 'before' | 'after'): Promise<void> {
    await this.#inTurn(async () => {
      const old = this.#current
      const { graceMs } = this.#options
      if (order === 'before') await old?.stop(graceMs())
      try {
        await this.#launch()
      } finally {
        if (this.#current === null) this.#startAgain()
      }
      if (order === 'after') void old?.stop(graceMs(), true)
    })
  }

  /** Resolves when nothing runs here any more; nothing is started after this. */
  async close(): Promise<void> {
    this.#isClosed = true
    this.#stopTimer()
    const graceMs = this.#options.graceMs()
    await Promise.all(this.children.map(async (child) => await child.stop(graceMs)))
    await this.#turn
  }

  async #inTurn(work: () => Promise<void>): Promise<void> {
    const done = this.#turn.then(work)
    this.#turn = done.catch(() => undefined)
    await done
  }

  async #launch(): Promise<void> {
    if (this.#isClosed) throw new CommandError('the relay is being stopped')
    this.#stopTimer()
    const { promise, resolve, reject } = Promise.withResolvers<void>()
    const child = this.#options.spawn({
      onReady: resolve,
      onEnded: (ended, how) => {
        reject(new CommandError(`${this.name} could not be started (${how})`))
        this.#onEnded(ended)
      },
    })
    this.#running.add(child)
    const timer = setTimeout(() => {
      reject(new CommandError(`${this.name} is not ready after ${readyMs / 1000} s`))
      child.kill()
    }, readyMs)
    await promise.finally(() => clearTimeout(timer))
    // It may have been lost again before this was looked at.
    if (this.#running.has(child)) this.#current = child
    else this.#startAgain()
  }

  #onEnded(child: Child): void {
    this.#running.delete(child)
    if (this.#current !== child) return
    this.#current = null
    if (child.isStopping) return
    if (performance.now() - child.startedMs >= healthyMs) this.#pauseMs = 0
    this.#startAgain()
  }

  #startAgain(): void {
    if (this.#isClosed || this.#timer !== null) return
    this.#timer = setTimeout(() => {
      this.#timer = null
      void this.#inTurn(async () => {
        if (this.#current === null) await this.#launch()
      }).catch(() => this.#startAgain())
    }, this.#pauseMs)
    this.#pauseMs = Math.min(longestPauseMs, Math.max(firstPauseMs, 2 * this.#pauseMs))
  }

  #stopTimer(): void {
    if (this.#timer !== null) clearTimeout(this.#timer)
    this.#timer = null
  }
}
