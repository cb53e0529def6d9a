// Collects alerts about held mail, domain by domain: the first is told after a short time that lets its
// neighbours join, then one digest a period at most.

import type { MailHeld } from './alert.ts'
import { maxListedCount, type HeldDigest } from './notice.ts'

export interface HeldCollectorOptions {
  readonly collectMs: number
  readonly digestMs: number
  readonly tell: (digest: HeldDigest) => void
}

interface Collected {
  mails: MailHeld[]
  mailCount: number
  timer: NodeJS.Timeout
}

export class HeldCollector {
  readonly #options: HeldCollectorOptions
  /** A domain stays here for a period after it was told, also without mails. */
  readonly #domains = new Map<string, Collected>()
  #isClosed = false

  constructor(options: HeldCollectorOptions) {
    this.#options = options
  }

  add(held: MailHeld): void {
    if (this.#isClosed) {
      this.#options.tell({ kind: 'mail-held', domain: held.domain, mailCount: 1, mails: [held] })
      return
    }
    const collected = this.#domains.get(held.domain) ?? this.#begin(held.domain)
    collected.mailCount += 1
    if (collected.mails.length < maxListedCount) collected.mails.push(held)
  }

  /** Tells what was collected; whatever comes later is told at once. */
  close(): void {
    this.#isClosed = true
    for (const [domain, collected] of this.#domains) {
      clearTimeout(collected.timer)
      this.#tell(domain, collected)
    }
    this.#domains.clear()
  }

  #begin(domain: string): Collected {
    const timer = this.#after(this.#options.collectMs, domain)
    const collected: Collected = { mails: [], mailCount: 0, timer }
    this.#domains.set(domain, collected)
    return collected
  }

  #after(ms: number, domain: string): NodeJS.Timeout {
    return setTimeout(() => this.#onTime(domain), ms).unref()
  }

  #onTime(domain: string): void {
    const collected = this.#domains.get(domain)
    if (collected === undefined) return
    if (!this.#tell(domain, collected)) {
      this.#domains.delete(domain)
      return
    }
    collected.mails = []
    collected.mailCount = 0
    collected.timer = this.#after(this.#options.digestMs, domain)
  }

  /** False: there was nothing to tell. */
  #tell(domain: string, { mails, mailCount }: Collected): boolean {
    const [first, ...rest] = mails
    if (first === undefined) return false
    this.#options.tell({ kind: 'mail-held', domain, mailCount, mails: [first, ...rest] })
    return true
  }
}
