// Chance that can be repeated: a seed is printed, and PFORTE_SEED sets it.

export interface Random {
  readonly seed: number
  /** From 0 up to, but not including, 1. */
  readonly next: () => number
  /** A whole number, both ends included. */
  readonly between: (least: number, most: number) => number
  readonly chance: (probability: number) => boolean
  readonly pick: <Item>(items: readonly [Item, ...Item[]]) => Item
}

export function seededRandom(seed: number = chosenSeed()): Random {
  let state = seed >>> 0
  // Mulberry32: small, and even enough for choosing moments.
  const next = (): number => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
  return {
    seed,
    next,
    between: (least, most) => least + Math.floor(next() * (most - least + 1)),
    chance: (probability) => next() < probability,
    pick: (items) => items[Math.floor(next() * items.length)] ?? items[0],
  }
}

function chosenSeed(): number {
  const given = Number(process.env['PFORTE_SEED'])
  return Number.isInteger(given) && given > 0 ? given : Math.floor(Math.random() * 2 ** 31)
}
