// What takes time: who has to wait, what is asked of the lists meanwhile, and what is remembered of it.

import type { Connection } from '#net/connection.ts'
import { reject, type Rejection } from '#verdict/verdict.ts'
import { ListAsker, tooLate, type Inquiry } from './ask-lists.ts'
import type { Client } from './client-counts.ts'
import type { Score } from './dns-lists.ts'
import type { GreetingOptions, GreetingRules } from './greeting.ts'
import { openMemory, type Memory, type Passes } from './memory.ts'
import { networkOf } from './places.ts'
import type { Refusals } from './refusal.ts'
import { WaitingClient, type Watched } from './waiting-client.ts'

/** How long a pass counts when not every list has answered. */
const doubtfulMs = 60_000

/** What one client has still to pass. */
interface Test {
  readonly connection: Connection
  readonly client: Client
  readonly rules: GreetingRules
  readonly isPregreetNeeded: boolean
  readonly inquiry: Inquiry | null
  readonly startedMs: number
}

export class ClientTests {
  readonly #options: GreetingOptions
  readonly #refusals: Refusals
  readonly #rules: () => GreetingRules
  readonly #asker: ListAsker
  readonly #waiting = new Set<WaitingClient>()
  #memory: Memory | null = null
  #untestedToldMinute = 0

  constructor(options: GreetingOptions, refusals: Refusals, rules: () => GreetingRules) {
    this.#options = options
    this.#refusals = refusals
    this.#rules = rules
    this.#asker = new ListAsker(options)
  }

  get waitingCount(): number {
    return this.#waiting.size
  }

  letAllGo(): void {
    for (const waiting of this.#waiting) waiting.letGo()
  }

  close(): void {
    this.#memory?.close()
  }

  /** True: it waits, and will be handed on or refused later. */
  take(connection: Connection, client: Client): boolean {
    const rules = this.#rules()
    const isPregreetOn = rules.pregreet.mode !== 'off'
    const areListsOn = rules.dnsbl.mode !== 'off' && rules.dnsbl.zones.length > 0
    if (!isPregreetOn && !areListsOn) return false
    const nowMs = this.#options.clock.now()
    client.passes ??= this.#openedMemory().find(memoryKey(client.key))
    const isPregreetNeeded = isPregreetOn && !(nowMs < (client.passes?.pregreetUntilMs ?? 0))
    const areListsNeeded = areListsOn && !(nowMs < (client.passes?.dnsblUntilMs ?? 0))
    if (!isPregreetNeeded && !areListsNeeded) return false
    if (this.#waiting.size >= this.#options.maxWaitingCount()) {
      this.#tellUntested(connection)
      return false
    }
    return this.#test(connection, client, isPregreetNeeded, areListsNeeded)
  }

  #test(
    connection: Connection,
    client: Client,
    isPregreetNeeded: boolean,
    areListsNeeded: boolean,
  ): boolean {
    const rules = this.#rules()
    const { mode, zones } = rules.dnsbl
    const asking = new AbortController()
    const inquiry = areListsNeeded ? this.#asker.ask(client.key, zones, asking.signal) : null
    const startedMs = this.#options.clock.monotonicMs()
    const test: Test = { connection, client, rules, isPregreetNeeded, inquiry, startedMs }
    if (mode === 'observe') void inquiry?.done.then(() => this.#observed(test))
    if (!isPregreetNeeded && mode === 'observe') return false
    const waiting = new WaitingClient({
      connection,
      deadlines: this.#options.deadlines,
      monotonicMs: this.#options.clock.monotonicMs,
      pregreet: isPregreetNeeded ? this.#pregreetOf(rules) : null,
      lists: inquiry === null ? null : { inquiry, ...listsOf(rules) },
      onPregreet: (chunk) => this.#tellPregreet(test, chunk),
      onEnd: (watched) => {
        this.#waiting.delete(waiting)
        // In observe mode the lists have all the time there is.
        if (mode === 'enforce') asking.abort(hasHadTime(watched) ? tooLate : undefined)
        this.#onWatched(test, watched)
      },
    })
    this.#waiting.add(waiting)
    waiting.start()
    return true
  }

  #onWatched(test: Test, watched: Watched): void {
    const { connection, client, startedMs } = test
    switch (watched.kind) {
      case 'left':
        this.#options.emit({
          kind: 'client-left-early',
          client: connection.remote,
          tookMs: this.#since(startedMs),
        })
        return
      case 'refused-pregreet':
        this.#refusals.refuse(connection, talkedFirst)
        return
      case 'refused-listed':
        this.#tellListed(test, 'enforce')
        this.#refusals.refuse(connection, listedVerdict(client.key, test.inquiry?.score()))
        return
      case 'stays':
        if (watched.isTested) this.#remember(test, watched.hasTalked)
        connection.handOn(watched.early)
        this.#options.next(connection)
    }
  }

  /** Lists in observe mode have answered, or given up. */
  #observed(test: Test): void {
    const { inquiry, rules } = test
    if (inquiry === null) return
    if (inquiry.score().score >= rules.dnsbl.threshold) this.#tellListed(test, 'observe')
    else this.#pass({ ...test, isPregreetNeeded: false }, false)
  }

  #remember(test: Test, hasTalked: boolean): void {
    const isObserving = test.rules.dnsbl.mode === 'observe' && test.isPregreetNeeded
    // What the lists say in observe mode is noted when they have said it.
    this.#pass(isObserving ? { ...test, inquiry: null } : test, hasTalked)
  }

  /** Notes what was passed, and tells it. */
  #pass(test: Test, hasTalked: boolean): void {
    const { connection, client, rules, inquiry, startedMs } = test
    const { pregreet, dnsbl } = rules
    const { score, zones } = inquiry?.score() ?? { score: null, zones: [] }
    const failedZones = inquiry?.failedZones() ?? []
    const isPregreetPassed = test.isPregreetNeeded && !hasTalked
    if (!isPregreetPassed && inquiry === null) return
    const nowMs = this.#options.clock.now()
    const isAllowed =
      score !== null && dnsbl.allowThreshold !== null && score <= dnsbl.allowThreshold
    const before = client.passes
    const passes: Passes = {
      pregreetUntilMs: isPregreetPassed
        ? // Who was let off by a list is let off for as long as the list is believed.
          nowMs + (isAllowed ? dnsbl.rememberMs : pregreet.rememberMs)
        : (before?.pregreetUntilMs ?? 0),
      dnsblUntilMs:
        inquiry === null
          ? (before?.dnsblUntilMs ?? 0)
          : nowMs + Math.min(dnsbl.rememberMs, failedZones.length > 0 ? doubtfulMs : Infinity),
    }
    client.passes = passes
    this.#openedMemory().put(memoryKey(client.key), passes)
    this.#options.emit({
      kind: 'client-passed',
      client: connection.remote,
      checks: [
        ...(isPregreetPassed ? ['pregreet' as const] : []),
        ...(inquiry === null ? [] : ['dnsbl' as const]),
      ],
      score,
      zones,
      failedZones,
      tookMs: this.#since(startedMs),
    })
  }

  #tellPregreet({ connection, rules, startedMs }: Test, chunk: Buffer): void {
    const mode = rules.pregreet.mode === 'enforce' ? 'enforce' : 'observe'
    this.#options.emit({
      kind: 'client-pregreeted',
      ...this.#refusals.failed(connection, mode, talkedFirst),
      line: chunk.toString('latin1', 0, maxShownBytes),
      tookMs: this.#since(startedMs),
    })
  }

  #tellListed({ connection, client, inquiry }: Test, mode: 'observe' | 'enforce'): void {
    const { score = 0, zones = [] } = inquiry?.score() ?? {}
    const verdict = listedVerdict(client.key, inquiry?.score())
    const failed = this.#refusals.failed(connection, mode, verdict)
    this.#options.emit({ kind: 'client-listed', ...failed, score, zones })
  }

  #tellUntested(connection: Connection): void {
    const minute = Math.floor(this.#options.clock.now() / 60_000)
    this.#options.emit({
      kind: 'client-untested',
      client: connection.remote,
      waitingCount: this.#waiting.size,
      isRepeated: this.#untestedToldMinute === minute,
    })
    this.#untestedToldMinute = minute
  }

  #pregreetOf({ pregreet }: GreetingRules): {
    delayMs: number
    isEnforced: boolean
    teaser: string | null
  } {
    const teaser = pregreet.isTeasing ? `220-${this.#options.hostname} ESMTP\r\n` : null
    return { delayMs: pregreet.delayMs, isEnforced: pregreet.mode === 'enforce', teaser }
  }

  #since(startedMs: number): number {
    return this.#options.clock.monotonicMs() - startedMs
  }

  /** Opened when it is needed for the first time: most relays have no file. */
  #openedMemory(): Memory {
    this.#memory ??= openMemory({
      folder: this.#options.folder,
      clock: this.#options.clock,
      maxCount: () => this.#rules().maxRememberedCount,
      onFailure: (error) => this.#options.emit({ kind: 'greeting-store-failed', error }),
    })
    return this.#memory
  }
}

/** Enough to see what kind of program it is. */
const maxShownBytes = 200

const talkedFirst = reject({ kind: 'talked-first' })

/** Whoever has one address of IPv6 has a whole /64 of them. */
export function memoryKey(address: string): string {
  return address.includes(':') ? networkOf(address) : address
}

function listsOf({ dnsbl }: GreetingRules): {
  timeoutMs: number
  isEnforced: boolean
  isListed: (score: Score) => boolean
  isAllowed: (score: Score) => boolean
} {
  const { allowThreshold } = dnsbl
  return {
    timeoutMs: dnsbl.timeoutMs,
    isEnforced: dnsbl.mode === 'enforce',
    isListed: ({ score }) => score >= dnsbl.threshold,
    isAllowed: ({ score }) => allowThreshold !== null && score <= allowThreshold,
  }
}

export function listedVerdict(client: string, score: Score | undefined): Rejection {
  return reject({ kind: 'client-listed', client, zones: score?.badZones ?? [] })
}

/** All the time the lists have: else it is not their fault that they have not answered. */
function hasHadTime(watched: Watched): boolean {
  return watched.kind === 'refused-listed' || (watched.kind === 'stays' && watched.isTested)
}
