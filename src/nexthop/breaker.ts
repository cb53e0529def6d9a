// Stops asking a next hop that does not answer, so that it is not hammered and clients do not wait.

import type { NoAnswer } from './nexthop.ts'

export interface BreakerOptions {
  /** Opens after this many failures in a row. */
  readonly failureCount: number
  /** Pause between two recovery questions while open. */
  readonly recoveryMs: number
  readonly now: () => number
  /** Asks the next hop whether it is back; true if it answered. Never rejects. */
  readonly tryRecovery: () => Promise<boolean>
  readonly onOpened: (cause: NoAnswer) => void
  readonly onClosed: (downForMs: number) => void
}

export class Breaker {
  readonly #options: BreakerOptions
  #consecutiveFailureCount = 0
  #lastFailure: NoAnswer | null = null
  #isOpen = false
  #sinceMs: number
  #timer: NodeJS.Timeout | null = null

  constructor(options: BreakerOptions) {
    this.#options = options
    this.#sinceMs = options.now()
  }

  get isOpen(): boolean {
    return this.#isOpen
  }

  get sinceMs(): number {
    return this.#sinceMs
  }

  get consecutiveFailureCount(): number {
    return this.#consecutiveFailureCount
  }

  get lastFailure(): NoAnswer | null {
    return this.#lastFailure
  }

  onSuccess(): void {
    this.#consecutiveFailureCount = 0
    if (!this.#isOpen) return
    const downForMs = this.#options.now() - this.#sinceMs
    this.#turn(false)
    this.#options.onClosed(downForMs)
  }

  onFailure(cause: NoAnswer): void {
    this.#lastFailure = cause
    this.#consecutiveFailureCount += 1
    if (this.#isOpen || this.#consecutiveFailureCount < this.#options.failureCount) return
    this.#turn(true)
    this.#options.onOpened(cause)
    this.#schedule()
  }

  close(): void {
    if (this.#timer !== null) clearTimeout(this.#timer)
    this.#timer = null
  }

  #turn(isOpen: boolean): void {
    this.#isOpen = isOpen
    this.#sinceMs = this.#options.now()
    this.close()
  }

  #schedule(): void {
    this.#timer = setTimeout(() => void this.#recover(), this.#options.recoveryMs).unref()
  }

  async #recover(): Promise<void> {
    const isBack = await this.#options.tryRecovery()
    if (!this.#isOpen) return
    if (isBack) this.onSuccess()
    else this.#schedule()
  }
}
