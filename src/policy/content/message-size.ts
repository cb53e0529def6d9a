// The data turned out larger than allowed (RFC 1870 §6.3); the rest of it was not kept.

import { reject } from '#verdict/verdict.ts'
import type { ContentFacts, Objection } from '#policy/policy.ts'

/** The most that is allowed for, whatever the limit. */
const maxAllowanceBytes = 64 * 1024
/** 50 MiB get the whole allowance, smaller limits their share of it. */
const allowanceDivisor = 800

/**
 * What the content may have, in bytes: the limit, and a little more. Every server on the way adds its
 * trace fields, and a mail that was within the limit at its origin is not refused for those; a server
 * behind this one that does not agree says so itself. A declared SIZE is compared with the bare limit.
 */
export function contentLimitBytes(maxMessageBytes: number): number {
  const allowance = Math.floor(maxMessageBytes / allowanceDivisor)
  return maxMessageBytes + Math.min(allowance, maxAllowanceBytes)
}

export function messageSize(facts: ContentFacts): Objection | null {
  return facts.isTooLarge ? reject({ kind: 'too-large', maxBytes: facts.maxMessageBytes }) : null
}
