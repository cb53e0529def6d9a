// Does a target take any recipient? Asked with a random local part on first use of a domain's route
// and then once an interval, always in the background, never for a mail.

import type { CatchAllMark } from './store-database.ts'
import type { CalloutOutcome } from './recipients.ts'

/** After a question without an answer. */
const retryAfterMs = 10 * 60_000

export interface CatchAllWatch {
  /** No I/O, no garbage: it is asked for every recipient. */
  readonly isCatchAll: (domain: string, routeId: string) => boolean
  /** True once: whoever gets it has to ask and to call `settle`. */
  readonly takeDue: (domain: string, routeId: string, nowMs: number) => boolean
  /** What the answer changed; undefined when there was none. */
  readonly settle: (
    domain: string,
    routeId: string,
    outcome: CalloutOutcome,
    nowMs: number,
  ) => { readonly mark: CatchAllMark; readonly isFound: boolean } | undefined
}

export function createCatchAllWatch(
  marks: readonly CatchAllMark[],
  intervalMs: number,
): CatchAllWatch {
  const byDomain = new Map<string, CatchAllMark>()
  for (const mark of marks) {
    const other = byDomain.get(mark.domain)
    if (other === undefined || other.askedAtMs < mark.askedAtMs) byDomain.set(mark.domain, mark)
  }
  /** Domains asked just now, or without an answer a short while ago: not before then. */
  const pausedUntilMs = new Map<string, number>()

  const find = (domain: string, routeId: string): CatchAllMark | undefined => {
    const mark = byDomain.get(domain)
    return mark?.routeId === routeId ? mark : undefined
  }

  return {
    isCatchAll: (domain, routeId) => find(domain, routeId)?.isCatchAll ?? false,
    takeDue: (domain, routeId, nowMs) => {
      const mark = find(domain, routeId)
      if (mark !== undefined && nowMs - mark.askedAtMs < intervalMs) return false
      if (nowMs < (pausedUntilMs.get(domain) ?? 0)) return false
      pausedUntilMs.set(domain, nowMs + retryAfterMs)
      return true
    },
    settle: (domain, routeId, outcome, nowMs) => {
      if (outcome.kind === 'unknown') return undefined
      pausedUntilMs.delete(domain)
      const isFound = outcome.kind === 'deliverable' && find(domain, routeId)?.isCatchAll !== true
      const isCatchAll = outcome.kind === 'deliverable'
      const mark: CatchAllMark = { routeId, domain, isCatchAll, askedAtMs: nowMs }
      byDomain.set(domain, mark)
      return { mark, isFound }
    },
  }
}

/** A local part nobody has: 60 bits, and a word for the institute's log. */
export function randomLocalPart(random: () => number): string {
  let letters = ''
  for (let index = 0; index < 12; index += 1) {
    letters += 'abcdefghijklmnopqrstuvwxyz234567'[Math.floor(random() * 32)] ?? 'a'
  }
  return `pforte-check-${letters}`
}
