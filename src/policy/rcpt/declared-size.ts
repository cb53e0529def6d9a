// A recipient whose domain takes less than the mail declares is refused before the mail is sent.

import { reject } from '#verdict/verdict.ts'
import type { Objection, RcptFacts } from '#policy/policy.ts'

export function declaredSize(facts: RcptFacts): Objection | null {
  const { sizeBytes } = facts.parameters
  if (sizeBytes === null || sizeBytes <= facts.maxMessageBytes) return null
  return reject({
    kind: 'too-large-for-recipient',
    server: facts.domain.domain,
    detail: `the limit is ${facts.maxMessageBytes} bytes`,
  })
}
