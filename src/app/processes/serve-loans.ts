// The book of lent connections for the coordinator's own next hops and, over the link, for those of workers.

import type { LinkHandlers } from '#link/link.ts'
import type { Lender } from '#nexthop/nexthop.ts'
import { calls, fromJson, message, news } from './calls.ts'
import type { Loans } from './loans.ts'
import type { LoanCount, LoanRequest } from './remote-loans.ts'

/** Of one process. */
export function loansOf(loans: Loans, holder: string): Lender {
  return {
    borrow: (routeId, count, withinMs) => loans.borrow(holder, routeId, count, withinMs),
    giveBack: (routeId) => loans.giveBack(holder, routeId),
  }
}

export function askedOfLoans(loans: Loans): LinkHandlers['asked'] {
  return {
    [calls.borrowConnection]: async ({ value }, { name }) => {
      const { routeId, count, withinMs } = fromJson<LoanRequest>(value)
      return message(await loans.borrow(name, routeId, count, withinMs))
    },
  }
}

export function toldOfLoans(loans: Loans): LinkHandlers['told'] {
  return {
    [news.connectionGivenBack]: (value, { name }) => loans.giveBack(name, fromJson<string>(value)),
    [news.connectionsLent]: (value, { name }) => {
      for (const { routeId, count } of fromJson<readonly LoanCount[]>(value)) {
        loans.has(name, routeId, count)
      }
    },
  }
}
