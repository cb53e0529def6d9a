// A person has said that the server does not take 8-bit content (RFC 6152 §3). What was only measured does
// not count here: the server says so itself when it gets the mail, or takes it (docs/decisions/).

import { reject } from '#verdict/verdict.ts'
import type { Objection, RcptFacts } from '#policy/policy.ts'

export function declared8BitMime({ domain, parameters }: RcptFacts): Objection | null {
  return parameters.is8BitMime && domain.byHand.takes8BitMime === false
    ? reject({ kind: '8bitmime-unsupported', server: domain.domain })
    : null
}
