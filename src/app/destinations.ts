// Where the relay does not connect to, whatever a route or the DNS says: itself, and addresses that no
// server of an institute has.

import { networkInterfaces } from 'node:os'
import { addressBits, firstOf, parseNetwork, type Network } from '#base/network.ts'
import type { Config } from '#config/config.ts'
import type { ObjectionTo } from '#nexthop/nexthop.ts'
import { isOwnListener, type RelaySelf } from '#registry/leads-back.ts'

/** What the relay knows of itself now; interfaces come and go while it runs. */
export function describeSelf({ hostname, listen }: Pick<Config, 'hostname' | 'listen'>): RelaySelf {
  return {
    hostname,
    listeners: listen,
    get interfaceAddresses() {
      const interfaces = Object.values(networkInterfaces()).flatMap((each) => each ?? [])
      return interfaces.map(({ address }) => address)
    },
  }
}

/**
 * The relay itself is never a next hop, not even by its address: its configuration may have changed since
 * the route was checked. `dns.refuseAddresses` is about names only: who writes an address down means it.
 */
export function objectionTo(config: Pick<Config, 'hostname' | 'listen' | 'dns'>): ObjectionTo {
  const self = describeSelf(config)
  const refused = config.dns.refuseAddresses.flatMap((text) => {
    const network = parseNetwork(text)
    return network.ok ? [network.value] : []
  })
  return ({ address, port, isFromDns }) => {
    if (isOwnListener(address, port, self)) {
      return { isOwn: true, words: `${address} port ${port} is where this relay listens` }
    }
    const network = isFromDns ? networkOf(address, refused) : undefined
    if (network === undefined) return null
    return { isOwn: false, words: `${address} is in ${network.text} (dns.refuseAddresses)` }
  }
}

function networkOf(address: string, networks: readonly Network[]): Network | undefined {
  const place = addressBits(address)
  if (place === null) return undefined
  return networks.find(({ family, bits, length }) => {
    return family === place.family && bits === firstOf(place.bits, family === 4 ? 32 : 128, length)
  })
}
