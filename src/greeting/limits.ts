// Whether a client has too many connections, or makes them too fast. Pure.

import type { Client, Count } from './client-counts.ts'
import type { GreetingRules } from './greeting.ts'

export interface Exceeded {
  readonly check: 'connections' | 'rate'
  /** The address, or its network. */
  readonly network: string
  readonly maxCount: number
}

/** For a client that has just arrived, and is not open yet. */
export function findExceeded(
  client: Client,
  check: 'connections' | 'rate',
  { maxPerAddressCount, maxPerNetworkCount }: GreetingRules['connections'],
): Exceeded | null {
  const count = check === 'connections' ? opened : arrived
  if (maxPerAddressCount > 0 && count(client) > maxPerAddressCount) {
    return { check, network: client.key, maxCount: maxPerAddressCount }
  }
  if (maxPerNetworkCount > 0 && count(client.network) > maxPerNetworkCount) {
    return { check, network: client.network.key, maxCount: maxPerNetworkCount }
  }
  return null
}

/** With the one that has arrived. */
function opened(count: Count): number {
  return count.openCount + count.othersOpenCount + 1
}

function arrived(count: Count): number {
  return count.newCount + count.othersNewCount
}

/**
 * Whether the others have to know: when nobody has half an even part of a limit, all together are below half
 * of it, and what is left out of a sum is never more than the other half.
 */
export function isBusy(
  rules: Pick<GreetingRules, 'connections' | 'rate'>,
  processCount: number,
): (count: Count, isNetwork: boolean) => boolean {
  const reaches = (
    { mode, maxPerAddressCount, maxPerNetworkCount }: GreetingRules['connections'],
    value: number,
    isNetwork: boolean,
  ): boolean => {
    const maxCount = isNetwork ? maxPerNetworkCount : maxPerAddressCount
    return mode !== 'off' && maxCount > 0 && value * processCount * 2 >= maxCount && value > 0
  }
  return (count, isNetwork) =>
    reaches(rules.connections, count.openCount, isNetwork) ||
    reaches(rules.rate, count.newCount, isNetwork)
}
