// One network may have only so many new triples an hour remembered: a flood from it must not push out what
// others wait with. More than that of an honest network wait no longer than the rest, since it is known as
// soon as its first ones have passed.

const maxCountPerHour = 1000
const maxNetworkCount = 20_000
const hourMs = 3_600_000

export class NewTriples {
  readonly #networks = new Map<string, { count: number; readonly sinceMs: number }>()

  /** False: this one is too many. `nowMs`: monotonic. */
  take(network: string, nowMs: number): boolean {
    const known = this.#networks.get(network)
    if (known !== undefined && nowMs - known.sinceMs < hourMs) {
      known.count += 1
      return known.count <= maxCountPerHour
    }
    this.#networks.delete(network)
    this.#networks.set(network, { count: 1, sinceMs: nowMs })
    if (this.#networks.size > maxNetworkCount) {
      for (const oldest of this.#networks.keys()) {
        this.#networks.delete(oldest)
        break
      }
    }
    return true
  }
}
