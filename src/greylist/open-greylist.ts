// The greylist of one process on the file all of them share: read when asked, written behind, twice a second
// in one transaction. A store that fails lets every mail pass: no mail is refused for a fault of ours.

import type { Clock } from '#base/clock.ts'
import type { Attempt, Greylist, GreylistAnswer, GreylistEvent, GreylistRules } from './greylist.ts'
import {
  openGreylistDatabase,
  type GreylistDatabase,
  type NetworkRow,
  type TripleRow,
} from './greylist-database.ts'
import { judgeAttempt, type Decision, type RememberedNetwork } from './judge-attempt.ts'
import { NewTriples } from './new-triples.ts'
import { tripleOf, type Triple } from './triple.ts'

export interface GreylistOptions {
  /** Absolute; made when missing. Null: in memory, everything is lost with the process. */
  readonly folder: string | null
  readonly clock: Clock
  /** Asked for at each purge, so that changed ones are in force then. */
  readonly rules: () => GreylistRules
  readonly emit: (event: GreylistEvent) => void
}

/** Half of it is the longest another process does not know of an attempt. */
const tickMs = 500
const purgeMs = 30_000
const reopenMs = 60_000
const failureEventMs = 60_000
/** Not yet written; beyond it they are written at once. */
const maxPendingCount = 5000

/** Does not throw: a file that cannot be opened is told of, and tried again once a minute. */
export function openGreylist(options: GreylistOptions): Greylist {
  return new SqliteGreylist(options)
}

const unavailable: GreylistAnswer = Object.freeze({ kind: 'unavailable' })

class SqliteGreylist implements Greylist {
  readonly #options: GreylistOptions
  readonly #timer: NodeJS.Timeout
  readonly #newTriples = new NewTriples()
  /** By key, as Latin-1 text. */
  readonly #triples = new Map<string, TripleRow>()
  readonly #networks = new Map<string, NetworkRow>()
  #database: GreylistDatabase | null = null
  #openedAt = -Infinity
  #purgedAt = -Infinity
  #failureToldAt = -Infinity

  constructor(options: GreylistOptions) {
    this.#options = options
    this.#open()
    this.#timer = setInterval(() => this.#tick(), tickMs)
    this.#timer.unref()
  }

  judge(attempt: Attempt, rules: GreylistRules): GreylistAnswer {
    const triple = tripleOf(attempt)
    const decision = this.#decide(triple, rules)
    if (decision === null) return unavailable
    this.#note(triple, decision)
    return decision.answer
  }

  peek(attempt: Attempt, rules: GreylistRules): GreylistAnswer {
    return this.#decide(tripleOf(attempt), rules)?.answer ?? unavailable
  }

  close(): void {
    clearInterval(this.#timer)
    this.#attempt((database) => this.#write(database))
    this.#drop()
  }

  #decide({ key, network }: Triple, rules: GreylistRules): Decision | null {
    const database = this.#database
    if (database === null) return null
    try {
      const known = this.#triples.get(keyText(key)) ?? database.findTriple(key)
      const nowMs = this.#options.clock.now()
      return judgeAttempt(nowMs, known, this.#findNetwork(database, network), rules)
    } catch (error) {
      this.#fail(error)
      return null
    }
  }

  #findNetwork(database: GreylistDatabase, network: string): RememberedNetwork | undefined {
    const stored = database.findNetwork(network)
    const pending = this.#networks.get(network)
    if (pending === undefined) return stored
    const { newlyPassedCount, seenAtMs } = pending
    return { passedCount: (stored?.passedCount ?? 0) + newlyPassedCount, seenAtMs }
  }

  #note({ key, network }: Triple, decision: Decision): void {
    const { clock } = this.#options
    if (decision.network !== null) {
      const before = this.#networks.get(network)?.newlyPassedCount ?? 0
      const newlyPassedCount = before + decision.network.newlyPassedCount
      this.#networks.set(network, { newlyPassedCount, seenAtMs: clock.now() })
    }
    const { triple } = decision
    if (triple === null) return
    if (triple.isNew && !this.#newTriples.take(network, clock.monotonicMs())) return
    // Not yet written and new is still new, whatever becomes of it meanwhile.
    const isNew = triple.isNew || this.#triples.get(keyText(key))?.isNew === true
    this.#triples.set(keyText(key), { ...triple, key, isNew })
    if (this.#triples.size >= maxPendingCount) this.#attempt((database) => this.#write(database))
    if (this.#triples.size >= 2 * maxPendingCount) this.#triples.clear() // nobody takes them
  }

  #tick(): void {
    const now = this.#options.clock.monotonicMs()
    if (this.#database === null && now - this.#openedAt >= reopenMs) this.#open()
    this.#attempt((database) => {
      this.#write(database)
      if (now - this.#purgedAt >= purgeMs && !this.#purge(database)) this.#purgedAt = now
    })
  }

  #write(database: GreylistDatabase): void {
    if (this.#triples.size + this.#networks.size === 0) return
    const { clock, rules } = this.#options
    database.write(this.#triples.values(), this.#networks, clock.now() - rules().memoryMs)
    this.#triples.clear()
    this.#networks.clear()
  }

  #purge(database: GreylistDatabase): boolean {
    const { clock, rules } = this.#options
    const { retryWindowMs, memoryMs, maxEntryCount } = rules()
    const nowMs = clock.now()
    return database.purge({
      waitingBeforeMs: nowMs - retryWindowMs,
      passedBeforeMs: nowMs - memoryMs,
      maxEntryCount,
    })
  }

  #open(): void {
    this.#openedAt = this.#options.clock.monotonicMs()
    try {
      this.#database = openGreylistDatabase(this.#options.folder)
    } catch (error) {
      this.#fail(error)
    }
  }

  #attempt(work: (database: GreylistDatabase) => void): void {
    if (this.#database === null) return
    try {
      work(this.#database)
    } catch (error) {
      this.#fail(error)
    }
  }

  /** A busy store is tried again at the next tick; any other fault closes it for a while. */
  #fail(error: unknown): void {
    if (isBusy(error)) return
    this.#drop()
    const now = this.#options.clock.monotonicMs()
    this.#openedAt = now
    if (now - this.#failureToldAt < failureEventMs) return
    this.#failureToldAt = now
    const text = error instanceof Error ? error.message : String(error)
    this.#options.emit({ kind: 'greylist-failed', error: text })
  }

  #drop(): void {
    try {
      this.#database?.close()
    } catch {
      // It is given up either way.
    }
    this.#database = null
  }
}

function keyText(key: Uint8Array): string {
  return String.fromCharCode(...key)
}

const sqliteBusy = 5

function isBusy(error: unknown): boolean {
  return error instanceof Error && 'errcode' in error && Number(error.errcode) % 256 === sqliteBusy
}
