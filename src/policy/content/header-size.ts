// A header section without end cannot be searched for loops and forged results.

import { reject } from '#verdict/verdict.ts'
import type { ContentFacts, Objection } from '#policy/policy.ts'

export function headerSize(facts: ContentFacts): Objection | null {
  return facts.hopCount === null
    ? reject({ kind: 'header-too-large', maxBytes: facts.maxHeaderBytes })
    : null
}
