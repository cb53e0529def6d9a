// The connections of one route: a pool for questions and one for mails; or one for both while the server
// takes few, so that whoever comes first has the next one, and all of them together are no more than it takes.

import type { RouteLimits } from '#registry/registry.ts'
import type { ConnectionShare } from './nexthop.ts'
import type { Pool, PoolLender, PoolOptions } from './pool.ts'

export type Purpose = 'question' | 'handover'

/** What a pool may have; without `maxWaitingCount` any number may wait. */
export type PoolSize = Pick<
  PoolOptions,
  'maxConnectionCount' | 'maxUsesPerConnection' | 'restMs' | 'lender'
> &
  Partial<Pick<PoolOptions, 'maxWaitingCount' | 'maxRefusalsPerConnection'>>

export interface RoutePoolsOptions {
  readonly sizes: Readonly<Record<Purpose, PoolSize>>
  readonly routeId: string
  /** Null: all connections are this process's. */
  readonly share: ConnectionShare | null
  readonly create: (purpose: Purpose, size: PoolSize) => Pool
}

/** A server needs a moment to notice that a connection has ended. */
export const closingMs = 100

export class RoutePools {
  readonly #options: RoutePoolsOptions
  #question: Pool
  #handover: Pool
  /** For both; Infinity: each has its own. */
  #maxConnectionCount = Infinity
  #isLent = false

  constructor(options: RoutePoolsOptions) {
    this.#options = options
    this.#question = options.create('question', options.sizes.question)
    this.#handover = options.create('handover', options.sizes.handover)
  }

  get question(): Pool {
    return this.#question
  }

  get handover(): Pool {
    return this.#handover
  }

  /** Is the server known to take few connections? */
  get isLimited(): boolean {
    return this.#maxConnectionCount < Infinity
  }

  get isFull(): boolean {
    return this.connectionCount >= this.#maxConnectionCount
  }

  get connectionCount(): number {
    return this.#sum((pool) => pool.connectionCount)
  }

  /** Connections that have been ready at least once. */
  get openCount(): number {
    return this.#sum((pool) => pool.openCount)
  }

  get waitingCount(): number {
    return this.#sum((pool) => pool.waitingCount)
  }

  /** From now on; what is open beyond it ends with the task it has. */
  obey({ maxConnectionCount, maxMailsPerConnection, maxRefusalsPerConnection }: RouteLimits): void {
    const { question, handover } = this.#options.sizes
    const count = maxConnectionCount ?? Infinity
    const { share } = this.#options
    const part = share === null || maxConnectionCount === null ? count : share.of(count)
    // Lent: what counts is all processes together, not the pools of this one.
    const isLimit =
      part === null || part < question.maxConnectionCount + handover.maxConnectionCount
    this.#limitConnections(isLimit ? (part ?? count) : Infinity, part === null)
    const uses = maxMailsPerConnection ?? Infinity
    this.#question.maxUsesPerConnection = Math.min(uses, question.maxUsesPerConnection)
    this.#handover.maxUsesPerConnection = Math.min(uses, handover.maxUsesPerConnection)
    this.#question.maxRefusalsPerConnection = Math.min(
      maxRefusalsPerConnection ?? Infinity,
      question.maxRefusalsPerConnection ?? Infinity,
    )
  }

  /** Says goodbye on connections nobody uses, of those that are for the other purpose; how many they were. */
  closeIdleBeside(purpose: Purpose): number {
    return (purpose === 'question' ? this.#handover : this.#question).closeIdle()
  }

  close(): void {
    for (const pool of this.#all) pool.close()
  }

  #limitConnections(limit: number, isLent: boolean): void {
    if (limit === this.#maxConnectionCount && isLent === this.#isLent) return
    this.#maxConnectionCount = limit
    this.#isLent = isLent
    const before = this.#all
    const { sizes, create } = this.#options
    if (limit === Infinity) {
      this.#question = create('question', sizes.question)
      this.#handover = create('handover', sizes.handover)
    } else {
      // With the waits of mails: a question has a budget of its own.
      this.#handover = create('handover', {
        ...commonSize(limit, sizes),
        lender: isLent ? this.#lenderOf(limit) : null,
      })
      this.#question = this.#handover
    }
    this.#handover.succeed(before)
  }

  #lenderOf(count: number): PoolLender {
    const { routeId, share } = this.#options
    return {
      borrow: async (withinMs) =>
        share === null || (await share.lender.borrow(routeId, count, withinMs)),
      giveBack: () => share?.lender.giveBack(routeId),
    }
  }

  get #all(): readonly Pool[] {
    return this.#question === this.#handover ? [this.#handover] : [this.#question, this.#handover]
  }

  #sum(countOf: (pool: Pool) => number): number {
    return this.#all.reduce((sum, pool) => sum + countOf(pool), 0)
  }
}

function commonSize(limit: number, { question, handover }: RoutePoolsOptions['sizes']): PoolSize {
  const most = Math.max(question.maxConnectionCount, handover.maxConnectionCount)
  return {
    maxConnectionCount: Math.min(limit, most),
    maxWaitingCount:
      (question.maxWaitingCount ?? Infinity) + (handover.maxWaitingCount ?? Infinity),
    maxUsesPerConnection: handover.maxUsesPerConnection,
    maxRefusalsPerConnection: question.maxRefusalsPerConnection ?? Infinity,
    restMs: closingMs,
  }
}
