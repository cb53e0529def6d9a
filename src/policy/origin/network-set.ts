// Networks, asked whether an address is in one of them: one look for each length of a prefix, however many
// there are.

import { firstOf, type AddressBits, type Family, type Network } from '#base/network.ts'

interface SameLength {
  readonly family: Family
  readonly length: number
  readonly first: Set<bigint>
}

export class NetworkSet {
  readonly #lengths: readonly SameLength[]

  constructor(networks: readonly Network[]) {
    const lengths = new Map<string, SameLength>()
    for (const { family, length, bits } of networks) {
      const key = `${family}/${length}`
      const same = lengths.get(key) ?? { family, length, first: new Set() }
      lengths.set(key, same)
      same.first.add(bits)
    }
    this.#lengths = [...lengths.values()]
  }

  has({ family, bits }: AddressBits): boolean {
    const width = family === 4 ? 32 : 128
    return this.#lengths.some(
      (same) => same.family === family && same.first.has(firstOf(bits, width, same.length)),
    )
  }
}
