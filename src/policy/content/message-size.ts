// The data turned out larger than allowed (RFC 1870 §6.3); the rest of it was not kept.

import { reject } from '#verdict/verdict.ts'
import type { ContentFacts, Objection } from '#policy/policy.ts'

export function messageSize(facts: ContentFacts): Objection | null {
  return facts.isTooLarge ? reject({ kind: 'too-large', maxBytes: facts.maxMessageBytes }) : null
}
