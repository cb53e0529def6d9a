// Stops asking a next hop that does not answer, so that it is not hammered and clients do not wait.

import type { NoAnswer } from './nexthop.ts'

export interface BreakerOptions {
  /** Opens after this many failures in a row. */
  readonly failureCount: number
  /** Pause between two recovery questions while open. */
  readonly recoveryMs: number
  /** Least pause between two recovery questions, also of those that somebody asks for. */
  readonly minRecoveryMs: number
  readonly now: () => number
  readonly monotonicMs: () => number
  /** False while another process asks and tells. */
  readonly isAsker: () => boolean
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
  #openedAtMs = 0
  #askedAtMs = -Infinity
  #asking: Promise<void> | null = null
  #isStopped = false
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
    const downForMs = this.#options.monotonicMs() - this.#openedAtMs
    this.#turn(false)
    this.#options.onClosed(downForMs)
  }

  onFailure(cause: NoAnswer): void {
    this.#lastFailure = cause
    this.#consecutiveFailureCount += 1
    if (this.#isOpen || this.#consecutiveFailureCount < this.#options.failureCount) return
    this.#turn(true)
    this.#openedAtMs = this.#options.monotonicMs()
    this.#options.onOpened(cause)
    this.#schedule()
  }

  /** Another process has found out. Nobody is told once more. */
  hear(isOpen: boolean, cause: NoAnswer | null): void {
    if (isOpen === this.#isOpen) return
    this.#consecutiveFailureCount = 0
    if (cause !== null) this.#lastFailure = cause
    this.#turn(isOpen)
    if (!isOpen) return
    this.#openedAtMs = this.#options.monotonicMs()
    this.#schedule()
  }

  /**
   * Asks now, or joins the question under way; true when the breaker is closed then. Somebody who asks
   * again too soon gets the last answer. Never rejects.
   */
  async recover(): Promise<boolean> {
    if (!this.#isOpen) return true
    if (this.#asking === null && !this.#mayAsk) return false
    this.#asking ??= this.#ask()
    await this.#asking
    return !this.#isOpen
  }

  /** Nothing is asked any more. */
  close(): void {
    this.#isStopped = true
    this.#stopTimer()
  }

  get #mayAsk(): boolean {
    const { monotonicMs, minRecoveryMs } = this.#options
    return !this.#isStopped && monotonicMs() - this.#askedAtMs >= minRecoveryMs
  }

  #turn(isOpen: boolean): void {
    this.#isOpen = isOpen
    this.#sinceMs = this.#options.now()
    this.#stopTimer()
  }

  #stopTimer(): void {
    if (this.#timer !== null) clearTimeout(this.#timer)
    this.#timer = null
  }

  #schedule(): void {
    this.#stopTimer()
    if (this.#isStopped) return
    this.#timer = setTimeout(() => void this.#recoverInTime(), this.#options.recoveryMs).unref()
  }

  async #recoverInTime(): Promise<void> {
    if (this.#options.isAsker()) await this.recover()
    if (this.#isOpen) this.#schedule()
  }

  async #ask(): Promise<void> {
    this.#askedAtMs = this.#options.monotonicMs()
    const isBack = await this.#options.tryRecovery()
    this.#asking = null
    if (isBack) this.onSuccess()
  }
}
