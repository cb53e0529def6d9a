// A suspended domain gets a temporary answer: its mail waits at the senders.

import { defer } from '#verdict/verdict.ts'
import type { Objection, RcptFacts } from '#policy/policy.ts'

export function suspendedDomain({ domain }: RcptFacts): Objection | null {
  return domain.suspension === null
    ? null
    : defer({ kind: 'domain-suspended', domain: domain.domain })
}
