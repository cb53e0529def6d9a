// One route: its connections for questions and for mails, its breaker, what it offered last.

import type { Deadlines } from '#base/deadlines.ts'
import type { Resolver } from '#dns/dns.ts'
import type { Route, RouteLimits } from '#registry/registry.ts'
import type { Extensions } from '#smtp/extensions.ts'
import { Breaker } from './breaker.ts'
import { routeName } from './candidates.ts'
import { Dialog, type DialogOutcome, type DialogOwner, type DialogTimeouts } from './dialog.ts'
import type {
  ConnectionShare,
  NextHopEvent,
  NextHopFacts,
  NextHopState,
  NoAnswer,
  ObjectionTo,
  OutboundMail,
  ProbeResult,
  Question,
  TransferResult,
  Within,
} from './nexthop.ts'
import { teachesNumber, wasStale, wasUsedUp } from './lost-connection.ts'
import { causeOf, failed } from './outcomes.ts'
import { Pool } from './pool.ts'
import { presentedClient } from './presented-client.ts'
import { Reach } from './reach.ts'
import { closingMs, RoutePools, type PoolSize, type Purpose } from './route-pools.ts'

export interface PurposeOptions {
  readonly maxConnectionCount: number
  /**
   * Questions or mails of sessions that wait for a connection; one more gets `busy` at once, so that a slow
   * server does not hold the sessions of all. Default: no limit.
   */
  readonly maxWaitingCount?: number
  readonly maxUsesPerConnection: number
  /** Of questions: those answered with anything but yes. Default: no limit. */
  readonly maxRefusalsPerConnection?: number
  readonly connectTimeoutMs: number
  readonly timeouts: DialogTimeouts
}

export interface TargetOptions {
  readonly hostname: string
  readonly resolver: Resolver
  /** Default: none to anything. */
  readonly objectionTo?: ObjectionTo
  readonly deadlines: Deadlines
  readonly ca: readonly string[] | null
  readonly question: PurposeOptions
  readonly handover: PurposeOptions
  readonly breakerFailureCount: number
  readonly breakerRecoveryMs: number
  readonly now: () => number
  readonly monotonicMs: () => number
  readonly emit: (event: NextHopEvent) => void
  /** False while another process asks whether targets are back, and tells; absent: always this one. */
  readonly isRecoveryAsker?: () => boolean
  /** Absent: this process is the only one. */
  readonly share?: ConnectionShare
}

/** Whoever asks for the recovery question gets no more than one in this time. */
const minRecoveryMs = 1000

export class Target {
  readonly route: Route
  readonly #options: TargetOptions
  readonly #reach: Reach
  readonly #pools: RoutePools
  readonly #breaker: Breaker
  #facts: NextHopFacts
  /** Wall time of the last use, for forgetting routes nobody uses any more. */
  lastUsedMs: number

  constructor(route: Route, options: TargetOptions) {
    this.route = route
    this.#options = options
    this.lastUsedMs = options.now()
    this.#facts = {
      server: routeName(route),
      address: null,
      port: route.endpoints[0].port,
      tls: null,
      extensions: null,
    }
    this.#reach = this.#createReach()
    this.#pools = new RoutePools({
      sizes: options,
      routeId: route.id,
      share: options.share ?? null,
      create: (purpose, size) => this.#createPool(purpose, size),
    })
    this.#breaker = this.#createBreaker()
  }

  get extensions(): Extensions | null {
    return this.#facts.extensions
  }

  get isBreakerOpen(): boolean {
    return this.#breaker.isOpen
  }

  async probe(question: Question, within: Within): Promise<ProbeResult> {
    const ask = {
      task: 'question',
      reversePath: question.reversePath,
      recipients: [question.recipient],
      sizeBytes: question.sizeBytes,
      isSmtpUtf8: question.isSmtpUtf8,
      is8BitMime: false,
    } as const
    const { outcome, nextHop, tookMs } = await this.#run('question', within, (dialog, ms) =>
      dialog.ask(ask, ms),
    )
    return outcome.kind === 'question-answered'
      ? { kind: 'answered', reply: outcome.reply, nextHop, tookMs }
      : { kind: 'no-answer', cause: causeOf(outcome), nextHop, tookMs }
  }

  async transfer(mail: OutboundMail, within: Within): Promise<TransferResult> {
    const { client = null } = mail
    const isTold = this.route.isXclient && !this.isBreakerOpen
    const presented = isTold ? await presentedClient(this.#options.resolver, client, within) : null
    const { outcome, nextHop, tookMs } = await this.#run('handover', within, (dialog, ms) => {
      const sizeBytes = mail.sizeBytes + dialog.wayOut.length
      const transfer = { task: 'transfer', ...mail, sizeBytes, client: presented } as const
      return dialog.transfer(transfer, mail.openContent(), ms)
    })
    switch (outcome.kind) {
      case 'transfer-answered': {
        const { recipients, reply } = outcome
        return { kind: 'answered', recipients, reply, nextHop, tookMs }
      }
      case 'recipients-refused':
        return { kind: 'recipients-refused', recipients: outcome.recipients, nextHop, tookMs }
      case 'failed':
      case 'ready':
      case 'question-answered': {
        const isContentSent = outcome.kind === 'failed' && outcome.isContentSent
        return { kind: 'no-answer', cause: causeOf(outcome), isContentSent, nextHop, tookMs }
      }
    }
  }

  /** True when the server answers again, or the breaker is closed anyway. Never rejects. */
  hear(isDown: boolean, cause: NoAnswer | null): void {
    this.#breaker.hear(isDown, cause)
  }

  recover(): Promise<boolean> {
    this.lastUsedMs = this.#options.now()
    return this.#breaker.recover()
  }

  state(): NextHopState {
    return {
      route: this.route,
      breaker: this.#breaker.isOpen ? 'open' : 'closed',
      sinceMs: this.#breaker.sinceMs,
      consecutiveFailureCount: this.#breaker.consecutiveFailureCount,
      lastFailure: this.#breaker.lastFailure,
      connectionCount: this.connectionCount,
      waitingCount: this.#pools.waitingCount,
    }
  }

  get connectionCount(): number {
    return this.#pools.connectionCount
  }

  obey(limits: RouteLimits): void {
    this.#pools.obey(limits)
  }

  makeRoom(isTurn: boolean): void {
    this.#pools.handover.makeRoom(isTurn)
  }

  close(): void {
    this.#breaker.close()
    this.#pools.close()
  }

  async #run(
    purpose: Purpose,
    within: Within,
    task: (dialog: Dialog, budgetMs: number) => Promise<DialogOutcome>,
  ): Promise<{ outcome: DialogOutcome; nextHop: NextHopFacts; tookMs: number }> {
    const { monotonicMs, now } = this.#options
    const startMs = monotonicMs()
    this.lastUsedMs = now()
    if (this.#breaker.isOpen) {
      return { outcome: failed(this.#breakerOpen()), nextHop: this.#facts, tookMs: 0 }
    }
    for (;;) {
      const budgetMs = within.budgetMs - (monotonicMs() - startMs)
      const pool = this.#pools[purpose]
      const dialog = await pool.acquire({ ...within, budgetMs })
      if (!(dialog instanceof Dialog)) {
        return this.#result(failed(dialog), this.#facts, startMs)
      }
      const leftMs = within.budgetMs - (monotonicMs() - startMs)
      const outcome = await task(dialog, leftMs)
      if (wasStale(dialog, outcome)) continue
      if (purpose === 'question' && wasUsedUp(dialog, outcome)) {
        if (teachesNumber(dialog, outcome)) pool.endedAfter(dialog.useCount - 1)
        continue
      }
      this.#judge(outcome)
      return this.#result(outcome, dialog.facts(), startMs)
    }
  }

  #result(
    outcome: DialogOutcome,
    nextHop: NextHopFacts,
    startMs: number,
  ): { outcome: DialogOutcome; nextHop: NextHopFacts; tookMs: number } {
    return { outcome, nextHop, tookMs: this.#options.monotonicMs() - startMs }
  }

  /** An answer of any kind shows that the target lives; silence at the envelope shows that it does not. */
  #judge(outcome: DialogOutcome): void {
    if (outcome.kind !== 'failed') {
      this.#breaker.onSuccess()
      return
    }
    const { kind, stage } = outcome.cause
    const isEnvelope =
      stage === 'xclient' || stage === 'mail' || stage === 'rcpt' || stage === 'data'
    if (isEnvelope && (kind === 'io' || kind === 'timeout' || kind === 'malformed')) {
      this.#breaker.onFailure(outcome.cause)
    }
  }

  #breakerOpen(): NoAnswer {
    const last = this.#breaker.lastFailure
    return {
      kind: 'breaker-open',
      stage: last?.stage ?? 'connect',
      detail: last?.detail ?? 'no answer a moment ago',
      reply: last?.reply ?? null,
    }
  }

  #createReach(): Reach {
    const { hostname, resolver, objectionTo, deadlines, ca, monotonicMs, emit } = this.#options
    return new Reach({
      route: this.route,
      hostname,
      resolver,
      objectionTo: objectionTo ?? ((): null => null),
      deadlines,
      ca,
      monotonicMs,
      onFailed: (nextHop, cause) =>
        emit({
          kind: 'next-hop-failed',
          route: this.route.id,
          nextHop,
          cause,
          tlsPolicy: this.route.tls,
        }),
    })
  }

  #createPool(purpose: Purpose, size: PoolSize): Pool {
    const { deadlines, monotonicMs } = this.#options
    return new Pool({
      maxWaitingCount: Infinity,
      ...size,
      deadlines,
      open: (owner, within) => this.#open(purpose, owner, within),
      onOpened: (result, tookMs) => this.#onOpened(purpose, result, tookMs),
      monotonicMs,
    })
  }

  /**
   * Many servers take few connections of one client. Then those that wait for the next question, or the
   * next mail, must not stand in the way of a mail, or a question.
   */
  async #open(purpose: Purpose, owner: DialogOwner, within: Within): Promise<Dialog | NoAnswer> {
    const { monotonicMs, [purpose]: timeouts } = this.#options
    const startMs = monotonicMs()
    const result = await this.#reach.open(owner, within, timeouts)
    if (result instanceof Dialog || result.kind !== 'refused') return result
    if (this.#pools.closeIdleBeside(purpose) === 0) return result
    await new Promise((resolve) => setTimeout(resolve, closingMs))
    const budgetMs = within.budgetMs - (monotonicMs() - startMs)
    return budgetMs > 0 ? this.#reach.open(owner, { ...within, budgetMs }, timeouts) : result
  }

  #onOpened(purpose: Purpose, result: Dialog | NoAnswer, tookMs: number): void {
    if (!(result instanceof Dialog)) {
      // A server that takes no further connection while it serves others is not down.
      const isServing = this.#pools.openCount > 0
      // Nor is one that is known to take few: another process may have them all.
      const isKnownFew = this.#pools.isLimited && (result.reply?.code ?? 0) < 500
      const isCrowded = result.kind === 'refused' && (isServing || isKnownFew)
      if (result.kind !== 'aborted' && !isCrowded) this.#breaker.onFailure(result)
      return
    }
    const nextHop = result.facts()
    this.#facts = nextHop
    const { emit } = this.#options
    const { id: route, tls: tlsPolicy } = this.route
    const { tlsStanding, tlsProtocol } = result
    const tls = { tlsPolicy, tlsStanding, tlsProtocol }
    emit({ kind: 'next-hop-connected', route, nextHop, purpose, tookMs, ...tls })
  }

  #createBreaker(): Breaker {
    const { breakerFailureCount, breakerRecoveryMs, now, monotonicMs, emit, question } =
      this.#options
    const route = this.route.id
    return new Breaker({
      failureCount: breakerFailureCount,
      recoveryMs: breakerRecoveryMs,
      minRecoveryMs,
      now,
      monotonicMs,
      isAsker: this.#options.isRecoveryAsker ?? ((): boolean => true),
      tryRecovery: async () => {
        if (this.#pools.isFull) {
          this.#pools.handover.closeIdle() // room for the next time
          return false
        }
        const budgetMs = question.connectTimeoutMs + question.timeouts.commandMs
        const result = await this.#pools.question.openOne({ signal: null, budgetMs })
        return result instanceof Dialog
      },
      onOpened: (cause) => emit({ kind: 'next-hop-down', route, cause }),
      onClosed: (downForMs) => emit({ kind: 'next-hop-up', route, downForMs }),
    })
  }
}
