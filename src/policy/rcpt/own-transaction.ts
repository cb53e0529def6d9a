// A server that refuses content at the end of DATA gets its mails in transactions of their own: once another
// server has the mail, the sender could not be told of the refusal any more, and it would end in the hold.
// So does a domain with a limit of lines: content is refused for all recipients of a transaction.

import { defer } from '#verdict/verdict.ts'
import type { ServedDomain } from '#registry/registry.ts'
import type { Objection, RcptFacts } from '#policy/policy.ts'

export function ownTransaction({ domain, taken }: RcptFacts): Objection | null {
  for (const { domain: other } of taken) {
    if (other !== domain && isApart(domain, other)) {
      return defer({ kind: 'separate-transaction', domain: domain.domain })
    }
  }
  return null
}

function isApart(one: ServedDomain, other: ServedDomain): boolean {
  if (one.byHand.maxLineBytes !== other.byHand.maxLineBytes) return true
  const isRefusing = one.profile.refusesAtData === true || other.profile.refusesAtData === true
  return isRefusing && one.route.id !== other.route.id
}
