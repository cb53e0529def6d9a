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
    const answer = this.#link.isUp() ? await this.#ask({ routeId, count, withinMs }) : null
    // Looked at and taken in one step: all who asked a coordinator that is lost come here at once.
    const isLent = answer ?? !this.#counts.has(routeId)
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

  /** Null: there was no answer. */
  async #ask(request: LoanRequest): Promise<boolean | null> {
    try {
      const { withinMs } = request
      const answer = await this.#link.ask(
        calls.borrowConnection,
        message(request),
        withinMs + answerGraceMs,
      )
      return fromJson<boolean>(answer.value)
    } catch {
      // A yes that came too late was not taken: the book is told what there really is.
      const { routeId } = request
      const count = this.#counts.get(routeId) ?? 0
      this.#link.tell(news.connectionsLent, toJson([{ routeId, count }]))
      return null
    }
  }
}
