// One answer for a host name from those to A and to AAAA.

import type { DnsAnswer } from './dns.ts'

/** More addresses than any institute has; a hostile zone may offer hundreds. */
export const maxValueCount = 32

/** How long half an answer may stand before the other half is asked for again. */
const halfAnswerTtlMs = 30_000

/**
 * IPv4 and IPv6 alternate, so that one broken family costs one attempt; IPv4 comes first because every
 * institute that ever received mail has it working. Half an answer is an answer, but `none` needs both:
 * a name server that fails for one type says nothing about the name.
 */
export function mergeAddresses(
  ipv4: DnsAnswer<string>,
  ipv6: DnsAnswer<string>,
): DnsAnswer<string> {
  const answers = [ipv4, ipv6]
  const failure = answers.find((answer) => answer.kind === 'failed')
  const found = answers.filter((answer) => answer.kind === 'found')
  const [first, ...rest] = interleave(found.map((answer) => answer.values)).slice(0, maxValueCount)
  if (first !== undefined) {
    const ttls = found.map((answer) => answer.ttlMs)
    if (failure !== undefined) ttls.push(halfAnswerTtlMs)
    return { kind: 'found', values: [first, ...rest], ttlMs: Math.min(...ttls) }
  }
  if (failure !== undefined) return failure
  const none = answers.filter((answer) => answer.kind === 'none')
  return {
    kind: 'none',
    cause: none.some((answer) => answer.cause === 'name') ? 'name' : 'type',
    ttlMs: Math.min(...none.map((answer) => answer.ttlMs)),
  }
}

function interleave(lists: readonly (readonly string[])[]): readonly string[] {
  const length = Math.max(0, ...lists.map((list) => list.length))
  return Array.from({ length }, (_, index) =>
    lists.flatMap((list) => list.slice(index, index + 1)),
  ).flat()
}
