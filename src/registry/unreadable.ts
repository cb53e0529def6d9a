// What stands in for a row that cannot be read and was never read before. Leaving it out would answer
// 550 "not served" and destroy mail at its sender; a suspended domain answers 451 until it is mended.

import { cleanLine } from '#base/text.ts'
import type { ServedDomain } from './registry.ts'
import { createServedDomain } from './served-domain.ts'

/** RFC 6761 §6.4: never resolves, so not even a resumed stand-in sends mail anywhere. */
const nowhere = 'unreadable.invalid'

/** Is it such a stand-in? What its entry really holds is not known, so it must not be written back. */
export function isStandIn({ route }: ServedDomain): boolean {
  const [first] = route.endpoints
  return first.kind === 'host' && first.host === nowhere
}

/** Undefined when the name itself is damaged: nobody can ask for it. */
export function standInFor(
  domain: unknown,
  problem: string,
  nowMs: number,
): ServedDomain | undefined {
  if (typeof domain !== 'string') return undefined
  const suspended = cleanLine(`the registry's entry is unreadable: ${problem}`, 300)
  const served = createServedDomain({ domain, to: [nowhere], suspended }, nowMs)
  return served.ok && served.value.domain === domain ? served.value : undefined
}
