// How many sessions the other processes have, as a worker knows it: from the coordinator, a moment late.
// Without the coordinator each worker keeps to its share.

import type { LinkClient } from '#link/connect-link.ts'
import { news } from './calls.ts'

export interface RemoteSessionCountOptions {
  readonly link: Pick<LinkClient, 'tell' | 'isUp'>
  readonly maxSessionCount: number
  readonly workerCount: number
  readonly onChanged: () => void
}

/** A burst can go beyond the limit by what comes to the other workers in this time. */
const tellEveryMs = 200

export class RemoteSessionCount {
  readonly #options: RemoteSessionCountOptions
  #timer: NodeJS.Timeout | null = null
  #told = -1
  #others: number | null = null

  constructor(options: RemoteSessionCountOptions) {
    this.#options = options
  }

  /** Tells the coordinator from now on. */
  start(ownCount: () => number): void {
    this.#timer = setInterval(() => {
      const own = ownCount()
      if (own === this.#told || !this.#options.link.isUp()) return
      this.#told = own
      this.#options.link.tell(news.sessions, own)
    }, tellEveryMs).unref()
  }

  others(): number {
    const { maxSessionCount, workerCount } = this.#options
    return this.#others ?? maxSessionCount - Math.ceil(maxSessionCount / workerCount)
  }

  /** The coordinator has told. */
  heard(others: number): void {
    this.#others = others
    this.#options.onChanged()
  }

  /** The coordinator is there, again or for the first time, and knows nothing. */
  up(): void {
    this.#told = -1
  }

  down(): void {
    this.#others = null
  }

  close(): void {
    if (this.#timer !== null) clearInterval(this.#timer)
  }
}
