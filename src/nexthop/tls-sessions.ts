// TLS sessions to be resumed with the servers of one route.

import type { TlsResumption } from '#net/connection.ts'

/**
 * A resumed session shows no certificate, so for so long a server keeps the trust of its last full handshake
 * (as Postfix's smtp_tls_session_cache_timeout).
 */
const maxAgeMs = 3_600_000
/** As many addresses as a route is tried at, whatever the DNS says in the course of time. */
const maxCount = 16

export class TlsSessions {
  readonly #monotonicMs: () => number
  readonly #sessions = new Map<string, { resumption: TlsResumption; fullAtMs: number }>()

  constructor(monotonicMs: () => number) {
    this.#monotonicMs = monotonicMs
  }

  get(key: string): TlsResumption | null {
    const known = this.#sessions.get(key)
    return known !== undefined && this.#isFresh(known.fullAtMs) ? known.resumption : null
  }

  /** `isResumed`: the handshake was none of those that show a certificate. */
  set(key: string, resumption: TlsResumption, isResumed: boolean): void {
    const before = this.#sessions.get(key)
    const fullAtMs = isResumed && before !== undefined ? before.fullAtMs : this.#monotonicMs()
    this.#sessions.delete(key)
    this.#sessions.set(key, { resumption, fullAtMs })
    for (const oldest of this.#sessions.keys()) {
      if (this.#sessions.size <= maxCount) break
      this.#sessions.delete(oldest)
    }
  }

  delete(key: string): void {
    this.#sessions.delete(key)
  }

  #isFresh(fullAtMs: number): boolean {
    return this.#monotonicMs() - fullAtMs < maxAgeMs
  }
}
