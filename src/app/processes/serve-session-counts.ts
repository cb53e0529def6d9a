// The coordinator's side of the number of sessions: hears it from each worker, tells each that of the others.

import type { LinkHandlers, LinkPeer } from '#link/link.ts'
import { fromJson, news } from './calls.ts'

export interface SessionCounts {
  readonly told: LinkHandlers['told']
  readonly onPeer: (peer: LinkPeer) => void
  readonly onGone: (peer: LinkPeer) => void
}

export function serveSessionCounts(): SessionCounts {
  const counts = new Map<LinkPeer, number>()
  const tell = (peer: LinkPeer): void => {
    let others = 0
    for (const [other, count] of counts) if (other !== peer) others += count
    peer.tell(news.sessionsElsewhere, others)
  }
  const tellOthers = (than: LinkPeer): void => {
    for (const peer of counts.keys()) if (peer !== than) tell(peer)
  }
  return {
    told: {
      [news.sessions]: (value, peer) => {
        const isNew = !counts.has(peer)
        counts.set(peer, fromJson<number>(value))
        if (isNew) tell(peer)
        tellOthers(peer)
      },
    },
    onPeer: tell,
    onGone: (peer) => {
      if (counts.delete(peer)) tellOthers(peer)
    },
  }
}
