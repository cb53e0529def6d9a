// Who waits for a connection of a pool, and who gets the next one.

import type { Precedence } from './nexthop.ts'

/**
 * A mail or question of a session goes first: a client waits for it. While both wait, one turn in this
 * many is the spool's, so that it gets on under any load.
 */
const turnsPerSpoolTurn = 8

export class WaitingLine<Waiter> {
  readonly #lines: Readonly<Record<Precedence, Waiter[]>> = { session: [], spool: [] }
  /** Turns that sessions got while the spool waited. */
  #passedCount = 0

  get length(): number {
    return this.#lines.session.length + this.#lines.spool.length
  }

  get sessionCount(): number {
    return this.#lines.session.length
  }

  add(waiter: Waiter, precedence: Precedence): void {
    this.#lines[precedence].push(waiter)
  }

  /** The one behind so many others, as far as it can be told now. */
  at(index: number): Waiter | undefined {
    const { session, spool } = this.#lines
    return session[index] ?? spool[index - session.length]
  }

  /** Takes the one whose turn it is. */
  takeNext(): Waiter | undefined {
    const { session, spool } = this.#lines
    if (session.length === 0 || spool.length === 0) return session.shift() ?? spool.shift()
    this.#passedCount += 1
    if (this.#passedCount < turnsPerSpoolTurn) return session.shift()
    this.#passedCount = 0
    return spool.shift()
  }

  /** Takes the one that is to give up when there are too many: first of those who have time. */
  takeLeast(): Waiter | undefined {
    return this.#lines.spool.shift() ?? this.#lines.session.shift()
  }

  /** False: it was not waiting. */
  delete(waiter: Waiter): boolean {
    return Object.values(this.#lines).some((line) => {
      const index = line.indexOf(waiter)
      if (index >= 0) line.splice(index, 1)
      return index >= 0
    })
  }
}
