// Connections to one route for one purpose: a bounded number, reused, waited for in order of precedence.

import type { Deadlines, Expirable } from '#base/deadlines.ts'
import type { Dialog, DialogOwner } from './dialog.ts'
import type { NoAnswer, Precedence, Within } from './nexthop.ts'
import { WaitingLine } from './waiting-line.ts'

export interface PoolOptions {
  readonly maxConnectionCount: number
  /** Of sessions; the spool's are few, since delivery has a limit of its own. */
  readonly maxWaitingCount: number
  readonly maxUsesPerConnection: number
  /** Questions answered with anything but yes. Default: no limit. */
  readonly maxRefusalsPerConnection?: number
  /** A connection that has ended counts so long, because its server may count it still. Default 0. */
  readonly restMs?: number
  /** Each connection has to be borrowed; absent: they are all this pool's. */
  readonly lender?: PoolLender | null
  readonly deadlines: Deadlines
  /** Opens one connection; never rejects. The budget is of the waiter that needs it. */
  readonly open: (owner: DialogOwner, within: Within) => Promise<Dialog | NoAnswer>
  /** A connection could not be opened, or could. */
  readonly onOpened: (result: Dialog | NoAnswer, tookMs: number) => void
  readonly monotonicMs: () => number
}

/** A Lender for one route. */
export interface PoolLender {
  readonly borrow: (withinMs: number) => Promise<boolean>
  readonly giveBack: () => void
}

interface Waiter extends Expirable {
  /** Where it waits. */
  pool: Pool
  readonly within: Within
  readonly settle: (result: Dialog | NoAnswer) => void
}

/** A server that refused one more connection is not asked for more than it had taken for so long. */
const crowdedMs = 60_000
/** A server that ended a connection at its n-th use gets fewer on each for so long. */
const usedUpMs = 3_600_000
/** Somebody else waits for a connection that was lent: mails go on over it so long, or each would cost one. */
const lentTurnMs = 500
/** Nothing was lent in time: who has more time asks again after a pause. */
const borrowPauseMs = 100

export class Pool implements DialogOwner {
  readonly #options: PoolOptions
  readonly #idle: Dialog[] = []
  readonly #waiting = new WaitingLine<Waiter>()
  readonly #open = new Set<Dialog>()
  #openingCount = 0
  #isClosing = false
  #crowdedUntilMs = 0
  #crowdedCount = 1
  #usedUpUntilMs = 0
  #usedUpCount = 1
  #maxUsesPerConnection: number
  #maxRefusalsPerConnection: number
  #restMs: number
  /** Whose work it has taken on: their connections count here until they are gone. */
  #before: readonly Pool[] = []
  #successor: Pool | null = null
  /** Since when another process waits for one that was lent; null: none does. */
  #wantedSinceMs: number | null = null

  constructor(options: PoolOptions) {
    this.#options = options
    this.#maxUsesPerConnection = options.maxUsesPerConnection
    this.#maxRefusalsPerConnection = options.maxRefusalsPerConnection ?? Infinity
    this.#restMs = options.restMs ?? 0
  }

  get connectionCount(): number {
    const ownCount = this.#open.size + this.#openingCount
    return this.#before.reduce((sum, pool) => sum + pool.connectionCount, ownCount)
  }

  /** A connection that has been used more often ends with the task it has. */
  set maxUsesPerConnection(count: number) {
    this.#maxUsesPerConnection = count
  }

  /** As `maxUsesPerConnection`, of questions that were refused. */
  set maxRefusalsPerConnection(count: number) {
    this.#maxRefusalsPerConnection = count
  }

  /**
   * Goes on in their place, with those who wait there. What they have busy ends with its task, and leaves no
   * room here until then.
   */
  succeed(before: readonly Pool[]): void {
    this.#before = before
    for (const pool of before) {
      pool.#successor = this
      pool.#restMs = this.#restMs
      for (let waiter = pool.#waiting.takeNext(); waiter; waiter = pool.#waiting.takeNext()) {
        waiter.pool = this
        this.#waiting.add(waiter, precedenceOf(waiter.within))
      }
      pool.close()
    }
    this.#openForWaiters()
  }

  /** Connections that have been ready at least once. */
  get openCount(): number {
    return this.#open.size
  }

  get waitingCount(): number {
    return this.#waiting.length
  }

  /** A ready dialog at once, or the promise of one or of the reason why there is none. */
  acquire(within: Within): Dialog | Promise<Dialog | NoAnswer> {
    const idle = this.#takeIdle()
    if (idle !== undefined) return idle
    const precedence = precedenceOf(within)
    if (precedence === 'session' && this.#isLineFull) {
      return Promise.resolve(busy('too many wait for a connection already'))
    }
    return new Promise((resolve) => {
      const { signal } = within
      const onAbort = (): void => waiter.pool.#giveUp(waiter, aborted)
      const waiter: Waiter = {
        pool: this,
        within,
        settle: (result) => {
          signal?.removeEventListener('abort', onAbort)
          resolve(result)
        },
        deadlineMs: this.#options.deadlines.in(within.budgetMs),
        expire: () => waiter.pool.#giveUp(waiter, busy('no connection became free in time')),
      }
      this.#waiting.add(waiter, precedence)
      this.#options.deadlines.add(waiter)
      signal?.addEventListener('abort', onAbort, { once: true })
      if (signal?.aborted === true) onAbort()
      this.#openForWaiters()
    })
  }

  /** Opens one connection nobody waits for yet: the recovery question. */
  async openOne(within: Within): Promise<Dialog | NoAnswer> {
    return this.#openConnection(within)
  }

  onReady = (dialog: Dialog): void => {
    this.#open.add(dialog)
    if (this.#isClosing || this.#isUsedUp(dialog) || this.#endsTurn()) {
      dialog.quit()
      return
    }
    const waiter = this.#waiting.takeNext()
    if (waiter === undefined) {
      this.#idle.push(dialog)
      return
    }
    this.#options.deadlines.delete(waiter)
    waiter.settle(dialog)
  }

  onClosed = (dialog: Dialog): void => {
    const index = this.#idle.indexOf(dialog)
    if (index >= 0) this.#idle.splice(index, 1)
    if (this.#restMs > 0 && this.#open.has(dialog))
      setTimeout(() => this.#forget(dialog), this.#restMs)
    else this.#forget(dialog)
  }

  #forget(dialog: Dialog): void {
    this.#wantedSinceMs = null // one has ended: that was it; who still waits says so again
    if (this.#open.delete(dialog)) this.#options.lender?.giveBack()
    this.#onRoom()
  }

  /** The server has ended a connection because of its number of uses: it gets fewer from now on. */
  endedAfter(useCount: number): void {
    this.#usedUpCount = Math.max(1, useCount)
    this.#usedUpUntilMs = this.#options.monotonicMs() + usedUpMs
  }

  /** Another process waits for one that was lent to this one; `isTurn`: which has fewer. */
  makeRoom(isTurn: boolean): void {
    const idle = this.#takeIdle()
    if (idle !== undefined) idle.quit()
    else if (isTurn && this.#open.size > 0) this.#wantedSinceMs ??= this.#options.monotonicMs()
  }

  /** Without work of its own at once, else after a turn. One connection for each time it was wanted. */
  #endsTurn(): boolean {
    const sinceMs = this.#wantedSinceMs
    if (sinceMs === null) return false
    const isNow = this.#waiting.length === 0 || this.#options.monotonicMs() - sinceMs >= lentTurnMs
    if (isNow) this.#wantedSinceMs = null
    return isNow
  }

  close(): void {
    this.#isClosing = true
    this.closeIdle()
  }

  /** Says goodbye on the connections nobody uses; how many they were. */
  closeIdle(): number {
    const idle = this.#idle.splice(0)
    for (const dialog of idle) dialog.quit()
    return idle.length
  }

  /** One that is closing stays among the others until it is gone. */
  #takeIdle(): Dialog | undefined {
    let dialog = this.#idle.pop()
    while (dialog !== undefined && !dialog.isReady) dialog = this.#idle.pop()
    return dialog
  }

  #isUsedUp(dialog: Dialog): boolean {
    if (dialog.isSpent || dialog.refusalCount >= this.#maxRefusalsPerConnection) return true
    if (dialog.useCount >= this.#maxUsesPerConnection) return true
    return dialog.useCount >= this.#usedUpCount && this.#options.monotonicMs() < this.#usedUpUntilMs
  }

  get #maxConnectionCount(): number {
    const { maxConnectionCount, monotonicMs } = this.#options
    return monotonicMs() < this.#crowdedUntilMs
      ? Math.min(this.#crowdedCount, maxConnectionCount)
      : maxConnectionCount
  }

  /** Those for whom a connection may still be opened do not count. */
  get #isLineFull(): boolean {
    const { maxWaitingCount } = this.#options
    return (
      this.connectionCount >= this.#maxConnectionCount &&
      this.#waiting.sessionCount - this.#openingCount >= maxWaitingCount
    )
  }

  /** There is a connection less. */
  #onRoom(): void {
    this.#openForWaiters()
    if (this.#successor !== null) this.#successor.#onPredecessorRoom()
  }

  #onPredecessorRoom(): void {
    this.#before = this.#before.filter((pool) => pool.connectionCount > 0)
    this.#onRoom()
  }

  #openForWaiters(): void {
    while (
      this.#openingCount < this.#waiting.length &&
      this.connectionCount < this.#maxConnectionCount
    ) {
      const next = this.#waiting.at(this.#openingCount)
      if (next === undefined) return
      void this.#openConnection(next.within, true)
    }
  }

  async #openConnection(within: Within, isForWaiter = false): Promise<Dialog | NoAnswer> {
    this.#openingCount += 1
    const { lender = null } = this.#options
    if (lender !== null) {
      if (!(await lender.borrow(within.budgetMs))) return this.#nothingLent()
      if (isForWaiter && this.#waiting.length === 0) {
        lender.giveBack()
        return this.#nothingLent()
      }
    }
    const startMs = this.#options.monotonicMs()
    const result = await this.#options.open(this, within)
    this.#openingCount -= 1
    if ('kind' in result) lender?.giveBack()
    this.#options.onOpened(result, this.#options.monotonicMs() - startMs)
    if (!('kind' in result)) this.#openForWaiters()
    else if (result.kind === 'refused' && this.#open.size > 0) this.#onCrowded()
    else this.#failWaiters(result)
    if (this.#successor !== null) this.#successor.#onPredecessorRoom()
    return result
  }

  #nothingLent(): NoAnswer {
    this.#openingCount -= 1
    setTimeout(() => this.#onRoom(), borrowPauseMs).unref()
    return busy('other processes have all the connections that the server takes')
  }

  /** The server takes mail, but no further connection: what waits goes over those there are. */
  #onCrowded(): void {
    this.#crowdedCount = this.#open.size
    this.#crowdedUntilMs = this.#options.monotonicMs() + crowdedMs
  }

  /**
   * Those who still have a connection to hope for go on waiting for it. Nothing is opened for them now: a
   * server that has just refused would be asked again at once, for as long as the other one is busy.
   */
  #failWaiters(cause: NoAnswer): void {
    while (this.#waiting.length > this.connectionCount) {
      const waiter = this.#waiting.takeLeast()
      if (waiter === undefined) return
      this.#options.deadlines.delete(waiter)
      waiter.settle(cause)
    }
  }

  #giveUp(waiter: Waiter, cause: NoAnswer): void {
    if (!this.#waiting.delete(waiter)) return
    this.#options.deadlines.delete(waiter)
    waiter.settle(cause)
  }
}

function precedenceOf({ precedence = 'session' }: Within): Precedence {
  return precedence
}

const aborted: NoAnswer = {
  kind: 'aborted',
  stage: 'pool',
  detail: 'the asker went away while it waited for a connection',
  reply: null,
}

function busy(detail: string): NoAnswer {
  return { kind: 'busy', stage: 'pool', detail, reply: null }
}
