// A worker's way to the coordinator's book of lent connections. Without the coordinator it has one of each
// server, as with a share that is at least one.

import type { LinkClient } from '#link/connect-link.ts'
import type { Lender } from '#nexthop/nexthop.ts'
import { calls, fromJson, message, news, toJson } from './calls.ts'

export interface LoanRequest {
  readonly routeId: string
  readonly count: number
  readonly withinMs: number
}

/** What a worker has of one route. */
export interface LoanCount {
  readonly routeId: string
  readonly count: number
}

/** The coordinator says no in time; only one that is lost does not answer. */
const answerGraceMs = 1000

export class RemoteLoans implements Lender {
  readonly #link: Pick<LinkClient, 'ask' | 'tell' | 'isUp'>
  readonly #counts = new Map<string, number>()

  constructor(link: Pick<LinkClient, 'ask' | 'tell' | 'isUp'>) {
    this.#link = link
  }

  borrow = async (routeId: string, count: number, withinMs: number): Promise<boolean> => {
    const isLent = this.#link.isUp()
      ? await this.#ask({ routeId, count, withinMs })
      : this.#hasNone(routeId)
    if (isLent) this.#counts.set(routeId, (this.#counts.get(routeId) ?? 0) + 1)
    return isLent
  }

  giveBack = (routeId: string): void => {
    const left = (this.#counts.get(routeId) ?? 1) - 1
    if (left > 0) this.#counts.set(routeId, left)
    else this.#counts.delete(routeId)
    this.#link.tell(news.connectionGivenBack, routeId)
  }

  /** The coordinator is there, again or for the first time, and knows nothing. */
  up(): void {
    const counts = [...this.#counts].map(([routeId, count]): LoanCount => ({ routeId, count }))
    if (counts.length > 0) this.#link.tell(news.connectionsLent, toJson(counts))
  }

  async #ask(request: LoanRequest): Promise<boolean> {
    try {
      const { withinMs } = request
      const answer = await this.#link.ask(
        calls.borrowConnection,
        message(request),
        withinMs + answerGraceMs,
      )
      return fromJson<boolean>(answer.value)
    } catch {
      return this.#hasNone(request.routeId)
    }
  }

  #hasNone(routeId: string): boolean {
    return !this.#counts.has(routeId)
  }
}
