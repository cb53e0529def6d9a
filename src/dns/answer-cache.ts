// Remembers answers for a short while and lets parallel askers of one name share one query. It is no
// resolver's cache: it spares the mail path a round trip, and a changed name is seen within minutes.

import type { Clock } from '#base/clock.ts'
import type { DnsAnswer } from './dns.ts'

const maxPositiveMs = 300_000 // an institute that moves its server should not wait for us
const maxNegativeMs = 30_000 // the record an operator has just added
const failedMs = 5000 // spares a sick resolver, not longer than a client's patience

export interface AnswerCache<Value> {
  /** A remembered answer with its remaining time, else the answer of `ask`, which never rejects. */
  readonly answer: (key: string, ask: () => Promise<DnsAnswer<Value>>) => Promise<DnsAnswer<Value>>
  readonly clear: () => void
}

interface Entry<Value> {
  readonly answer: DnsAnswer<Value>
  readonly untilMs: number
}

/** At most `entryCount` answers; the one used longest ago goes first. */
export function createAnswerCache<Value>(clock: Clock, entryCount: number): AnswerCache<Value> {
  const entries = new Map<string, Entry<Value>>() // in order of use
  const underWay = new Map<string, Promise<DnsAnswer<Value>>>()

  const find = (key: string): DnsAnswer<Value> | undefined => {
    const entry = entries.get(key)
    if (entry === undefined) return undefined
    entries.delete(key)
    const remainingMs = entry.untilMs - clock.monotonicMs()
    if (remainingMs <= 0) return undefined
    entries.set(key, entry)
    return entry.answer.kind === 'failed' ? entry.answer : { ...entry.answer, ttlMs: remainingMs }
  }

  const keep = (key: string, answer: DnsAnswer<Value>): DnsAnswer<Value> => {
    const capped = capTtl(answer)
    const ttlMs = capped.kind === 'failed' ? failedMs : capped.ttlMs
    if (ttlMs > 0) entries.set(key, { answer: capped, untilMs: clock.monotonicMs() + ttlMs })
    for (const oldest of entries.keys()) {
      if (entries.size <= entryCount) break
      entries.delete(oldest)
    }
    return capped
  }

  const ask = async (
    key: string,
    query: () => Promise<DnsAnswer<Value>>,
  ): Promise<DnsAnswer<Value>> => {
    try {
      return keep(key, await query())
    } finally {
      underWay.delete(key)
    }
  }

  return {
    answer: async (key, query) => {
      const known = find(key)
      if (known !== undefined) return known
      const shared = underWay.get(key) ?? ask(key, query)
      underWay.set(key, shared)
      return await shared
    },
    clear: () => entries.clear(),
  }
}

function capTtl<Value>(answer: DnsAnswer<Value>): DnsAnswer<Value> {
  switch (answer.kind) {
    case 'found':
      return { ...answer, ttlMs: Math.min(answer.ttlMs, maxPositiveMs) }
    case 'none':
      return { ...answer, ttlMs: Math.min(answer.ttlMs, maxNegativeMs) }
    case 'failed':
      return answer
  }
}
