// The ledger's book as a worker sees it: the coordinator's, over the link. Without the coordinator nothing is
// remembered, and a retry may be delivered twice (RFC 1047).

import type { LedgerBook } from '#intake/intake.ts'
import type { LinkClient } from '#link/connect-link.ts'
import { calls, fromJson, message, news, toJson } from './calls.ts'

/** In memory at the other end. */
const askMs = 5000
/** Whoever waits for a hand-over that still runs waits as long as that may take. */
const servedMs = 600_000

export class RemoteLedgerBook implements LedgerBook {
  readonly #link: LinkClient
  #isEmpty = true
  #number = 0

  constructor(link: LinkClient) {
    this.#link = link
  }

  isEmpty(): boolean {
    return this.#isEmpty
  }

  /** The coordinator has told. */
  heard(isEmpty: boolean): void {
    this.#isEmpty = isEmpty
  }

  async hasAlike(key: string): Promise<boolean> {
    return await this.#ask(calls.ledgerAlike, { key }, askMs, false)
  }

  async expect(...[key, fingerprint, served]: Parameters<LedgerBook['expect']>): Promise<void> {
    const known = await fingerprint
    if (known === null) return
    this.#number += 1
    const number = this.#number
    await this.#ask(calls.ledgerExpect, { key, fingerprint: known, number }, askMs, null)
    void served
      .catch(() => [])
      .then((addresses) => this.#link.tell(news.ledgerSettled, toJson({ number, addresses })))
  }

  async served(key: string, fingerprint: string): Promise<readonly string[]> {
    return await this.#ask(calls.ledgerServed, { key, fingerprint }, servedMs, [])
  }

  async forget(key: string, fingerprint: string): Promise<void> {
    await this.#ask(calls.ledgerForget, { key, fingerprint }, askMs, null)
  }

  async #ask<Answer>(
    method: string,
    value: unknown,
    timeoutMs: number,
    otherwise: Answer,
  ): Promise<Answer> {
    try {
      return fromJson<Answer>((await this.#link.ask(method, message(value), timeoutMs)).value)
    } catch {
      return otherwise
    }
  }
}
