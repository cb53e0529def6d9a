// A CR or LF on its own is never an end of data here and never goes out as it came: servers behind this
// one may take it for a line end, which is how one mail smuggles a second one in (RFC 5321 §2.3.8).

import { reject } from '#verdict/verdict.ts'
import type { ContentFacts, Objection } from '#policy/policy.ts'

export function bareNewline(facts: ContentFacts): Objection | null {
  return facts.hasBareNewline ? reject({ kind: 'bare-newline' }) : null
}
