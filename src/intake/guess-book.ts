// How many unknown recipients, and how many questions, each client network has brought lately: whoever
// guesses addresses comes back in new sessions. Counts of all workers where they tell each other.

import { addressBits, firstOf } from '#base/network.ts'
import type { IntakeEvent } from './intake-event.ts'

/** `observe` only tells. */
export interface GuessingRules {
  readonly mode: 'off' | 'observe' | 'enforce'
  /** Unknown recipients of one network in an hour. */
  readonly maxUnknownCount: number
  /** Questions to institutes' servers for one network in a minute. */
  readonly maxQuestionCount: number
}

export type Budget = 'unknown-recipients' | 'questions'

/** What one network has done since it was told last. */
export interface GuessCount {
  readonly network: string
  readonly unknownCount: number
  readonly questionCount: number
}

export interface GuessBookOptions {
  readonly rules: () => GuessingRules
  readonly monotonicMs: () => number
  readonly emit: (event: IntakeEvent) => void
}

const hourMs = 3_600_000
const minuteMs = 60_000
/** The network that was heard of first is forgotten first. */
const maxNetworkCount = 20_000

class NetworkRecord {
  readonly unknown = new SlidingCount(hourMs)
  readonly questions = new SlidingCount(minuteMs)
  /** Questions of this process without an answer yet: each may turn out to be a guess. */
  openCount = 0
  toldMs = -Infinity
}

export class GuessBook {
  readonly #options: GuessBookOptions
  readonly #records = new Map<string, NetworkRecord>()
  /** Since the last `takeNews`. */
  readonly #news = new Map<string, { unknownCount: number; questionCount: number }>()

  constructor(options: GuessBookOptions) {
    this.#options = options
  }

  /** What the network has used up, where that has consequences. */
  isOver(network: string): boolean {
    return this.#options.rules().mode === 'enforce' && this.#usedUp(network) !== null
  }

  /** A recipient was unknown. */
  unknown(network: string): void {
    this.#count(network, 1, 0)
  }

  /** A server is being asked. */
  asked(network: string): void {
    this.#count(network, 0, 1)
  }

  /** It has answered. */
  answered(network: string): void {
    const record = this.#records.get(network)
    if (record !== undefined) record.openCount = Math.max(0, record.openCount - 1)
  }

  /**
   * Whether a question is within the budget although others are still open. One that is due is asked as long
   * as the budget is not used up; one that is not due has to wait for the answers.
   */
  mayAskAhead(network: string): boolean {
    const { mode, maxUnknownCount, maxQuestionCount } = this.#options.rules()
    const record = mode === 'enforce' ? this.#records.get(network) : undefined
    if (record === undefined) return true
    const nowMs = this.#options.monotonicMs()
    return (
      record.unknown.at(nowMs) + record.openCount <= maxUnknownCount &&
      record.questions.at(nowMs) <= maxQuestionCount
    )
  }

  /** What came to another worker. */
  heard(counts: readonly GuessCount[]): void {
    for (const { network, unknownCount, questionCount } of counts) {
      this.#add(network, unknownCount, questionCount)
    }
  }

  /** What came to this one since the last time; for the other workers. */
  takeNews(): readonly GuessCount[] {
    if (this.#news.size === 0) return []
    const news = [...this.#news].map(([network, counts]) => ({ network, ...counts }))
    this.#news.clear()
    return news
  }

  #count(network: string, unknownCount: number, questionCount: number): void {
    if (this.#options.rules().mode === 'off') return
    const told = this.#news.get(network) ?? { unknownCount: 0, questionCount: 0 }
    told.unknownCount += unknownCount
    told.questionCount += questionCount
    if (this.#news.size < maxNetworkCount) this.#news.set(network, told)
    const record = this.#add(network, unknownCount, questionCount)
    record.openCount += questionCount
    const budget = this.#usedUp(network)
    if (budget !== null) this.#tell(network, record, budget)
  }

  #add(network: string, unknownCount: number, questionCount: number): NetworkRecord {
    const nowMs = this.#options.monotonicMs()
    const record = this.#records.get(network) ?? new NetworkRecord()
    this.#records.set(network, record)
    record.unknown.add(unknownCount, nowMs)
    record.questions.add(questionCount, nowMs)
    const [oldest] = this.#records.keys()
    if (this.#records.size > maxNetworkCount && oldest !== undefined) this.#records.delete(oldest)
    return record
  }

  #usedUp(network: string): Budget | null {
    const record = this.#records.get(network)
    if (record === undefined) return null
    const { maxUnknownCount, maxQuestionCount } = this.#options.rules()
    const nowMs = this.#options.monotonicMs()
    if (record.unknown.at(nowMs) > maxUnknownCount) return 'unknown-recipients'
    return record.questions.at(nowMs) > maxQuestionCount ? 'questions' : null
  }

  /** Once an hour of each network. */
  #tell(network: string, record: NetworkRecord, budget: Budget): void {
    const nowMs = this.#options.monotonicMs()
    if (nowMs - record.toldMs < hourMs) return
    record.toldMs = nowMs
    const { mode, maxUnknownCount, maxQuestionCount } = this.#options.rules()
    const limit = budget === 'questions' ? maxQuestionCount : maxUnknownCount
    this.#options.emit({ kind: 'guessing-seen', network, budget, limit, mode })
  }
}

/** About how many there were in the last window: of the window before, the part that still counts. */
class SlidingCount {
  readonly #windowMs: number
  #startMs = -Infinity
  #count = 0
  #before = 0

  constructor(windowMs: number) {
    this.#windowMs = windowMs
  }

  add(count: number, nowMs: number): void {
    this.#turn(nowMs)
    this.#count += count
  }

  at(nowMs: number): number {
    this.#turn(nowMs)
    return this.#count + this.#before * (1 - (nowMs - this.#startMs) / this.#windowMs)
  }

  #turn(nowMs: number): void {
    const passedMs = nowMs - this.#startMs
    if (passedMs < this.#windowMs) return
    this.#before = passedMs < 2 * this.#windowMs ? this.#count : 0
    this.#count = 0
    this.#startMs = passedMs < 2 * this.#windowMs ? this.#startMs + this.#windowMs : nowMs
  }
}

/** `192.0.2.0/24`, `2001:db8::/64`: what one client has at hand. An address that is none counts as itself. */
export function clientNetwork(address: string): string {
  const known = addressBits(address)
  if (known === null) return address
  if (known.family === 4) return `${address.slice(0, address.lastIndexOf('.'))}.0/24`
  const groups = (firstOf(known.bits, 128, 64) >> 64n).toString(16).padStart(16, '0')
  return `${groups
    .match(/.{4}/g)
    ?.map((group) => Number.parseInt(group, 16).toString(16))
    .join(':')}::/64`
}
