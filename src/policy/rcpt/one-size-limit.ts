// Without a declared size, recipients of different limits get transactions of their own: otherwise a mail
// that one domain takes and another does not could only be refused for both.

import { defer } from '#verdict/verdict.ts'
import type { Objection, RcptFacts } from '#policy/policy.ts'

export function oneSizeLimit(facts: RcptFacts): Objection | null {
  const { takenMaxMessageBytes, maxMessageBytes, parameters } = facts
  const isSame = takenMaxMessageBytes === null || takenMaxMessageBytes === maxMessageBytes
  return isSame || parameters.sizeBytes !== null
    ? null
    : defer({ kind: 'separate-transaction', domain: facts.domain.domain })
}
