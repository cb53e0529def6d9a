// Where a client stands by the lists: the longest network that holds its address decides. Pure.

import { addressBits, firstOf, type AddressBits, type Network } from '#base/network.ts'

export type Standing = 'exempt' | 'allow' | 'deny'

export interface Place {
  /** `none`: on no list. */
  readonly standing: Standing | 'none'
  /** The network that decided; '' for none. */
  readonly entry: string
}

export interface ListEntry {
  readonly network: Network
  readonly standing: Standing
}

const nowhere: Place = Object.freeze({ standing: 'none', entry: '' })
const widths = { 4: 32, 6: 128 } as const
/** Of two entries for one network: who denies it has the last word. */
const ranks: Readonly<Record<Standing, number>> = { exempt: 0, allow: 1, deny: 2 }

/** By length, the longest first, networks by their first address. */
type Table = readonly (readonly [length: number, networks: ReadonlyMap<bigint, Place>])[]

/** One rule for all lists, so that a host can be taken out of a network, and a network out of a larger one. */
export class Places {
  readonly #tables: Readonly<Record<4 | 6, Table>>
  readonly hasDenied: boolean

  constructor(entries: readonly ListEntry[]) {
    this.#tables = { 4: tableOf(entries, 4), 6: tableOf(entries, 6) }
    this.hasDenied = entries.some(({ standing }) => standing === 'deny')
  }

  /** Text that is no address stands on no list. */
  find(address: string): Place {
    const bits = addressBits(address)
    return bits === null ? nowhere : this.#longest(bits)
  }

  #longest({ family, bits }: AddressBits): Place {
    for (const [length, networks] of this.#tables[family]) {
      const place = networks.get(firstOf(bits, widths[family], length))
      if (place !== undefined) return place
    }
    return nowhere
  }
}

function tableOf(entries: readonly ListEntry[], family: 4 | 6): Table {
  const byLength = new Map<number, Map<bigint, Place>>()
  for (const { network, standing } of entries) {
    if (network.family !== family) continue
    const networks = byLength.get(network.length) ?? new Map<bigint, Place>()
    byLength.set(network.length, networks)
    const before = networks.get(network.bits)
    if (before !== undefined && before.standing !== 'none') {
      if (ranks[before.standing] >= ranks[standing]) continue
    }
    networks.set(network.bits, { standing, entry: network.text })
  }
  return [...byLength].toSorted(([one], [other]) => other - one)
}

/** The /24 of an IPv4 address, the /64 of an IPv6 address: what one customer of a provider has at least. */
export function networkOf(address: string): string {
  if (!address.includes(':')) return `${address.slice(0, address.lastIndexOf('.'))}.0/24`
  const found = addressBits(address)
  if (found === null) return address
  const groups = [112n, 96n, 80n, 64n].map((shift) =>
    ((found.bits >> shift) & 0xffffn).toString(16),
  )
  return `${groups.join(':')}::/64`
}
