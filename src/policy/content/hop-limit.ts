// A mail that has been through too many servers goes round in circles (RFC 5321 §6.3).

import { reject } from '#verdict/verdict.ts'
import type { ContentFacts, Objection } from '#policy/policy.ts'

export function hopLimit(facts: ContentFacts): Objection | null {
  return facts.hopCount !== null && facts.hopCount >= facts.maxHopCount
    ? reject({ kind: 'loop', hopCount: facts.hopCount })
    : null
}
