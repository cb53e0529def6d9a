// How many connections each client and each network has, now and within this minute. The one thing the stage
// looks up for every connection, so a known client costs one look-up and no allocation.

import type { ConnectionCounter } from '#net/connection.ts'
import type { ClientCount } from './greeting.ts'
import { networkOf, type Place, type Places } from './places.ts'
import type { Passes } from './memory.ts'

/** Bounds what made-up addresses can cost; who has an open connection is never forgotten. */
export const maxClientCount = 100_000

const minuteMs = 60_000

/** Of an address or of a network. */
export class Count {
  readonly key: string
  openCount = 0
  /** New connections within `minute`. */
  newCount = 0
  minute = 0
  /** What the other processes count, in that minute. */
  othersOpenCount = 0
  othersNewCount = 0

  constructor(key: string) {
    this.key = key
  }

  turn(minute: number): void {
    if (this.minute === minute) return
    this.minute = minute
    this.newCount = 0
    this.othersNewCount = 0
  }

  get isIdle(): boolean {
    return this.openCount === 0
  }
}

export class Client extends Count implements ConnectionCounter {
  readonly network: Count
  place: Place
  /** The lists `place` was found in. */
  places: Places
  /** What this client has passed, once it was looked for and found. */
  passes: Passes | null = null
  /** Kinds of event told in `minute`. */
  toldKinds: readonly string[] = []

  constructor(address: string, network: Count, places: Places) {
    super(address)
    this.network = network
    this.places = places
    this.place = places.find(address)
  }

  /** A new connection, whatever becomes of it. */
  connectionArrived(): void {
    this.newCount += 1
    this.network.newCount += 1
  }

  connectionOpened(): void {
    this.openCount += 1
    this.network.openCount += 1
  }

  connectionClosed(): void {
    this.openCount -= 1
    this.network.openCount -= 1
  }

  override turn(minute: number): void {
    if (this.minute !== minute) this.toldKinds = []
    super.turn(minute)
    this.network.turn(minute)
  }

  /** Whether it was told in this minute already; from now on it was. */
  isToldAgain(kind: string): boolean {
    if (this.toldKinds.includes(kind)) return true
    this.toldKinds = [...this.toldKinds, kind]
    return false
  }
}

export class ClientCounts {
  readonly #now: () => number
  readonly #maxCount: number
  readonly #clients = new Map<string, Client>()
  readonly #networks = new Map<string, Count>()
  /** Keys heard of from other processes. */
  #others: ReadonlyMap<string, ClientCount> = new Map()

  constructor(now: () => number, maxCount: number = maxClientCount) {
    this.#now = now
    this.#maxCount = maxCount
  }

  get size(): number {
    return this.#clients.size
  }

  /** The client at that address, new or known, with where it stands by now. */
  find(address: string, places: Places): Client {
    const client = this.#clients.get(address) ?? this.#add(address, places)
    if (client.places !== places) {
      client.places = places
      client.place = places.find(address)
    }
    client.turn(Math.floor(this.#now() / minuteMs))
    return client
  }

  /** Those with at least `openCount` open, or `newCount` new connections; 0: not looked at. */
  busy(isBusy: (count: Count, isNetwork: boolean) => boolean): readonly ClientCount[] {
    const minute = Math.floor(this.#now() / minuteMs)
    const found: ClientCount[] = []
    for (const [counts, isNetwork] of [
      [this.#clients, false],
      [this.#networks, true],
    ] as const) {
      for (const count of counts.values()) {
        // Not turned: who is looked at every second would never grow old.
        if (count.minute !== minute && count.isIdle) continue
        count.turn(minute)
        if (!isBusy(count, isNetwork)) continue
        found.push([count.key, count.openCount, count.newCount, count.minute])
      }
    }
    return found
  }

  /** Replaces what was heard before. */
  hear(others: readonly ClientCount[]): void {
    const heard = new Map(others.map((each) => [each[0], each]))
    for (const key of this.#others.keys()) if (!heard.has(key)) this.#setOthers(key, undefined)
    for (const [key, each] of heard) this.#setOthers(key, each)
    this.#others = heard
  }

  /** Forgets who has no connection and had none in this minute. */
  sweep(): void {
    const minute = Math.floor(this.#now() / minuteMs)
    removeIdle(this.#clients, (count) => count.minute !== minute)
    removeIdle(this.#networks, (count) => count.minute !== minute)
  }

  #add(address: string, places: Places): Client {
    if (this.#clients.size >= this.#maxCount) this.#makeRoom()
    const key = networkOf(address)
    const network = this.#networks.get(key) ?? new Count(key)
    this.#networks.set(key, network)
    const client = new Client(address, network, places)
    this.#clients.set(address, client)
    this.#setOthers(address, this.#others.get(address))
    this.#setOthers(key, this.#others.get(key))
    return client
  }

  /** Rates of this minute are lost then, open connections are not. */
  #makeRoom(): void {
    this.sweep()
    if (this.#clients.size < this.#maxCount) return
    removeIdle(this.#clients, () => true)
    removeIdle(this.#networks, () => true)
  }

  #setOthers(key: string, heard: ClientCount | undefined): void {
    const count = this.#clients.get(key) ?? this.#networks.get(key)
    if (count === undefined) return
    const [, openCount, newCount, minute] = heard ?? [key, 0, 0, 0]
    count.turn(Math.floor(this.#now() / minuteMs))
    count.othersOpenCount = openCount
    count.othersNewCount = minute === count.minute ? newCount : 0
  }
}

/**
 * A client and its network go by the same rule, and a network has whatever its clients have: so none is left
 * without the other's count.
 */
function removeIdle<Kind extends Count>(
  counts: Map<string, Kind>,
  isOld: (count: Kind) => boolean,
): void {
  for (const [key, count] of counts) if (count.isIdle && isOld(count)) counts.delete(key)
}
