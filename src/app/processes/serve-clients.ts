// The coordinator's side of the connection limits: what each worker counts of its busy clients, added up for
// the others.

import type { ClientCount } from '#greeting/greeting.ts'
import type { LinkPeer } from '#link/link.ts'
import { news, toJson } from './calls.ts'

/** Of one worker: the link would carry more, but nobody needs it. */
const maxCountCount = 2000

export class SharedClients {
  readonly #byPeer = new Map<LinkPeer, readonly ClientCount[]>()

  /** Tells the others at once, so that a limit is exceeded for a second at most. */
  heard(counts: readonly ClientCount[], from: LinkPeer, peers: readonly LinkPeer[]): void {
    this.#byPeer.set(from, counts.slice(0, maxCountCount))
    this.#tell(peers, from)
  }

  gone(peer: LinkPeer, peers: readonly LinkPeer[]): void {
    const had = this.#byPeer.get(peer) ?? []
    this.#byPeer.delete(peer)
    if (had.length > 0) this.#tell(peers, peer)
  }

  #tell(peers: readonly LinkPeer[], except: LinkPeer): void {
    for (const peer of peers) {
      if (peer !== except && peer.name.startsWith('worker-')) {
        peer.tell(news.clients, toJson(this.#others(peer)))
      }
    }
  }

  #others(peer: LinkPeer): readonly ClientCount[] {
    const sums = new Map<string, ClientCount>()
    for (const [other, counts] of this.#byPeer) {
      if (other === peer) continue
      for (const count of counts) sums.set(count[0], sum(count, sums.get(count[0])))
    }
    return [...sums.values()]
  }
}

/** New connections of an earlier minute are none of this one's. */
function sum(count: ClientCount, other: ClientCount | undefined): ClientCount {
  if (other === undefined) return count
  const [key, openCount, newCount, minute] = count
  const [, otherOpenCount, otherNewCount, otherMinute] = other
  const latest = Math.max(minute, otherMinute)
  const newSum = (minute === latest ? newCount : 0) + (otherMinute === latest ? otherNewCount : 0)
  return [key, openCount + otherOpenCount, newSum, latest]
}
