// Opens a connection to the first address of a route that greets us properly.

import type { Deadlines } from '#base/deadlines.ts'
import type { Resolver } from '#dns/dns.ts'
import { connect } from '#net/connect.ts'
import type { ClientRules } from '#client/client.ts'
import { createClientTls, type ClientTls } from '#net/client-tls.ts'
import type { Connection } from '#net/connection.ts'
import type { Route, TlsPolicy } from '#registry/registry.ts'
import { findCandidates, routeName, type Candidate } from './candidates.ts'
import { Dialog, type DialogOwner, type DialogTimeouts } from './dialog.ts'
import type { NextHopFacts, NoAnswer, ObjectionTo, Within } from './nexthop.ts'
import { TlsSessions } from './tls-sessions.ts'

export interface ReachOptions {
  readonly route: Route
  readonly hostname: string
  readonly resolver: Resolver
  readonly objectionTo: ObjectionTo
  readonly deadlines: Deadlines
  readonly ca: readonly string[] | null
  readonly monotonicMs: () => number
  readonly onFailed: (nextHop: NextHopFacts, cause: NoAnswer) => void
}

/** Waits that depend on what a connection is for. */
export interface ReachTimeouts {
  readonly connectTimeoutMs: number
  readonly timeouts: DialogTimeouts
}

/** An address that failed is tried last for a while, so that the others need not wait for it. */
const avoidMs = 60_000
/** A server whose handshake fails gets its mail in clear for a while, where the policy allows it. */
const clearMs = 600_000

/** Remembers which addresses of one route work, and which of them only in clear. */
export class Reach {
  readonly #options: ReachOptions
  readonly #avoidUntilMs = new Map<string, number>()
  readonly #clearUntilMs = new Map<string, number>()
  readonly #tlsSessions: TlsSessions
  #clientTls: ClientTls | null = null

  constructor(options: ReachOptions) {
    this.#options = options
    this.#tlsSessions = new TlsSessions(options.monotonicMs)
  }

  /** A dialog that has become ready (its owner was told), or the cause of the last failure. Never rejects. */
  async open(
    owner: DialogOwner,
    within: Within,
    timeouts: ReachTimeouts,
  ): Promise<Dialog | NoAnswer> {
    const { monotonicMs, onFailed } = this.#options
    const endMs = monotonicMs() + within.budgetMs
    let lookupProblem: NoAnswer | null = null
    let cause: NoAnswer | null = null
    for await (const found of this.#inOrder(within.signal)) {
      const budgetMs = endMs - monotonicMs()
      if (budgetMs <= 0) break
      if ('kind' in found) {
        lookupProblem = found
        continue
      }
      const result = await this.#tryCandidate(found, owner, { ...within, budgetMs }, timeouts)
      if (result instanceof Dialog) return result
      cause = result
    }
    if (cause === null && lookupProblem !== null) onFailed(this.#factsOf(null), lookupProblem)
    return cause ?? lookupProblem ?? timeoutAt('connect')
  }

  // Those that failed a moment ago come last.
  async *#inOrder(signal: AbortSignal | null): AsyncGenerator<Candidate | NoAnswer> {
    const { route, resolver } = this.#options
    const avoided: Candidate[] = []
    for await (const found of findCandidates(route, resolver, this.#options, signal)) {
      if ('kind' in found || !this.#isAvoided(found)) yield found
      else avoided.push(found)
    }
    yield* avoided
  }

  #isAvoided(candidate: Candidate): boolean {
    return (this.#avoidUntilMs.get(keyOf(candidate)) ?? 0) > this.#options.monotonicMs()
  }

  async #tryCandidate(
    candidate: Candidate,
    owner: DialogOwner,
    within: Within,
    timeouts: ReachTimeouts,
  ): Promise<Dialog | NoAnswer> {
    const key = keyOf(candidate)
    const now = this.#options.monotonicMs()
    const isInClear = (this.#clearUntilMs.get(key) ?? 0) > now
    let result = await this.#attempt(candidate, owner, within, timeouts, isInClear)
    const { route } = this.#options
    if (
      !(result instanceof Dialog) &&
      isHandshakeFailure(result) &&
      route.tls === 'opportunistic'
    ) {
      this.#clearUntilMs.set(key, now + clearMs)
      const budgetMs = within.budgetMs - (this.#options.monotonicMs() - now)
      if (budgetMs > 0) {
        result = await this.#attempt(candidate, owner, { ...within, budgetMs }, timeouts, true)
      }
    }
    if (result instanceof Dialog) this.#avoidUntilMs.delete(key)
    else if (result.kind !== 'aborted') this.#avoidUntilMs.set(key, now + avoidMs)
    return result
  }

  async #attempt(
    candidate: Candidate,
    owner: DialogOwner,
    within: Within,
    { connectTimeoutMs, timeouts }: ReachTimeouts,
    isInClear: boolean,
  ): Promise<Dialog | NoAnswer> {
    const { hostname, route, deadlines } = this.#options
    const connection = await this.#connect(candidate, within, connectTimeoutMs)
    if ('kind' in connection) return connection
    const dialog = new Dialog({
      connection,
      rules: { hostname, tls: isInClear ? 'none' : tlsRule(route.tls) },
      server: candidate.server,
      timeouts,
      deadlines,
      owner,
      tls: {
        policy: route.tls,
        trust: route.trust,
        names: candidate.names,
        client: () => this.#trusted(),
        sessions: this.#tlsSessions,
      },
    })
    const outcome = await dialog.open(within.budgetMs)
    if (outcome.kind === 'ready') return dialog
    const cause = outcome.kind === 'failed' ? outcome.cause : timeoutAt('banner')
    this.#options.onFailed(dialog.facts(), cause)
    return cause
  }

  async #connect(
    candidate: Candidate,
    within: Within,
    connectTimeoutMs: number,
  ): Promise<Connection | NoAnswer> {
    try {
      return await connect({
        address: candidate.address,
        port: candidate.port,
        timeoutMs: Math.min(connectTimeoutMs, within.budgetMs),
        signal: within.signal,
      })
    } catch (error) {
      const cause = connectFailure(candidate, error)
      this.#options.onFailed(this.#factsOf(candidate), cause)
      return cause
    }
  }

  /** A domain's own authorities are the only ones it believes. */
  #trusted(): ClientTls {
    const { route, ca } = this.#options
    this.#clientTls ??= createClientTls(route.trust.ca === null ? ca : [route.trust.ca])
    return this.#clientTls
  }

  #factsOf(candidate: Candidate | null): NextHopFacts {
    const { route } = this.#options
    return {
      server: candidate?.server ?? routeName(route),
      address: candidate?.address ?? null,
      port: candidate?.port ?? route.endpoints[0].port,
      tls: null,
      extensions: null,
    }
  }
}

function keyOf(candidate: Candidate): string {
  return `${candidate.address} ${candidate.port}`
}

function tlsRule(policy: TlsPolicy): ClientRules['tls'] {
  return policy === 'verify' || policy === 'pin' ? 'required' : policy
}

/** A server that says nothing once TLS has begun is as broken as one that says nonsense. */
function isHandshakeFailure({ kind, stage }: NoAnswer): boolean {
  return kind === 'tls' || (kind === 'timeout' && stage === 'starttls')
}

function timeoutAt(stage: 'connect' | 'banner'): NoAnswer {
  return { kind: 'timeout', stage, detail: 'no answer in time', reply: null }
}

function connectFailure(candidate: Candidate, error: unknown): NoAnswer {
  const code = error instanceof Error && 'code' in error ? String(error.code) : 'unknown error'
  const kind = code === 'ETIMEDOUT' ? 'timeout' : code === 'ABORT_ERR' ? 'aborted' : 'io'
  const place = `${candidate.address} port ${candidate.port}`
  return { kind, stage: 'connect', detail: `no connection to ${place} (${code})`, reply: null }
}
