// The owner's side of spool.db: groups of changes in one transaction each, and what happens when one
// fails. Synchronous; the spool's own thread runs it.
//
// A failed sync is never tried again: the kernel may have dropped the pages and call them clean. The
// database is closed, opened afresh (which brings what the log holds into the database and syncs that),
// and cleared of what the failed group may have left there. Only if that works is a failed commit
// certainly absent. Then the spool stays closed until `recover`.

import type { DatabaseSync } from 'node:sqlite'
import {
  checkpoint,
  closeQuietly,
  isHarmless,
  openDatabase,
  readThrough,
  spoolErrorOf,
} from './database.ts'
import type {
  Salvage,
  SpoolAnswers,
  SpoolCall,
  SpoolFailure,
  SpoolRead,
  SpoolWrite,
} from './messages.ts'
import { finishSalvage, isEmptied, salvageDatabase } from './salvage.ts'
import { SpoolError, type LeaseRequest, type SpoolId } from './spool.ts'
import { Store } from './store.ts'

export interface WriterOptions {
  readonly folder: string
  /** The longest pause of the schedule: see Store. */
  readonly maxDelayMs: number
}

export type Outcome<Value> =
  | { readonly ok: true; readonly value: Value }
  | { readonly ok: false; readonly failure: SpoolFailure }

const pageBytes = 4096
/** Pages of the write-ahead log after which it is brought into the database: 8 MiB. */
const checkpointPageCount = 2048
/** Free pages that the database keeps for the next mails: 16 MiB. */
const maxFreePageCount = 4096
/** Free pages given back to the file system at once, and the pause after that: tens of milliseconds a second. */
const shrinkPageCount = 2048
const shrinkPauseMs = 1000

export class Writer {
  readonly #options: WriterOptions
  readonly #open: typeof openDatabase
  #database: DatabaseSync | null = null
  #store: Store | null = null
  #stoppedBy: string | null = 'not opened yet'
  /** A page was not readable: opening it again would only find that again. */
  #isDamaged = false
  /** Pages written to the log since it was brought into the database, about. */
  #writtenPageCount = 0
  #shrunkAtMs = -Infinity
  /** Recipients under delivery: `id domain`. Survives `recover`: the deliverer still has them. */
  readonly #leased = new Set<string>()
  /** Commits that failed, and may come to light when the database is opened again. */
  readonly #unclear = new Set<SpoolId>()

  /** `open`: for tests that have it fail. */
  constructor(options: WriterOptions, open: typeof openDatabase = openDatabase) {
    this.#options = options
    this.#open = open
  }

  /** Why nothing is taken; null while the spool is open. */
  get stoppedBy(): string | null {
    return this.#stoppedBy
  }

  /** Opens the database, also after a stop. Throws a SpoolError. */
  recover(): { readonly entryCount: number; readonly salvage: Salvage | null } {
    try {
      if (this.#store !== null && this.#stoppedBy === null) {
        return { entryCount: this.#store.entryCount(), salvage: null }
      }
      closeQuietly(this.#database ?? undefined)
      const { database, salvage } = this.#openOrSalvage()
      this.#database = database
      this.#store = new Store(database, this.#options.maxDelayMs)
      this.#removeUnclear(this.#store)
      this.#stoppedBy = null
      return { entryCount: this.#store.entryCount(), salvage }
    } catch (error) {
      const cause = spoolErrorOf(error, 'cannot open the spool')
      this.#stopFor(cause)
      throw cause
    }
  }

  /** Runs changes as one transaction. One outcome for each, in order; never throws. */
  writeAll(writes: readonly SpoolWrite[]): readonly Outcome<SpoolAnswers[SpoolWrite['kind']]>[] {
    const database = this.#database
    const store = this.#store
    if (database === null || store === null || this.#stoppedBy !== null) {
      return writes.map(() => failed(this.#stoppedError()))
    }
    const outcomes: Outcome<SpoolAnswers[SpoolWrite['kind']]>[] = []
    try {
      database.exec('BEGIN IMMEDIATE')
      for (const write of writes) outcomes.push(this.#writeOne(database, store, write))
      database.exec('COMMIT')
    } catch (error) {
      const reached = writes.filter((_write, index) => outcomes[index]?.ok === true)
      const failure = failed(this.#onFailed(error, reached))
      return writes.map(() => failure)
    }
    for (const [index, write] of writes.entries()) {
      if (write.kind === 'settle' && outcomes[index]?.ok === true) this.#endLease(write)
    }
    for (const write of writes) this.#writtenPageCount += pageCountOf(write)
    return outcomes
  }

  /** Never throws. */
  read(call: SpoolRead): Outcome<SpoolAnswers[SpoolRead['kind']]> {
    const store = this.#store
    if (store === null || this.#stoppedBy !== null) return failed(this.#stoppedError())
    try {
      return { ok: true, value: this.#readFrom(store, call) }
    } catch (error) {
      const cause = spoolErrorOf(error, 'cannot read the spool')
      if (!isHarmless(error)) this.#stopFor(cause)
      return failed(cause)
    }
  }

  /** Brings the log into the database when it has grown; `isIdle`: nobody waits. */
  tidy(isIdle: boolean): void {
    const database = this.#database
    if (database === null || this.#stoppedBy !== null) return
    const limit = isIdle ? checkpointPageCount : 4 * checkpointPageCount
    try {
      const isShrunk = isIdle && this.#shrink(database)
      if (!isShrunk && this.#writtenPageCount < limit) return
      checkpoint(database, 'PASSIVE')
      this.#writtenPageCount = 0
    } catch (error) {
      if (isHarmless(error)) return
      this.#stopFor(spoolErrorOf(error, 'cannot bring the log into the database'))
    }
  }

  /** After an outage, step by step; true when there was something to give back. */
  #shrink(database: DatabaseSync): boolean {
    const nowMs = performance.now()
    if (nowMs - this.#shrunkAtMs < shrinkPauseMs) return false
    this.#shrunkAtMs = nowMs
    const free = Number(database.prepare('PRAGMA freelist_count').get()?.['freelist_count'])
    if (free <= maxFreePageCount) return false
    database.exec(`PRAGMA incremental_vacuum(${shrinkPageCount})`)
    return true
  }

  /** From now on everything fails until `recover`. */
  stop(detail: string): void {
    this.#stoppedBy ??= detail
    closeQuietly(this.#database ?? undefined)
    this.#database = null
    this.#store = null
  }

  close(): void {
    this.stop('closed')
  }

  #stopFor(cause: SpoolError): void {
    if (cause.kind === 'damaged') this.#isDamaged = true
    this.stop(cause.message)
  }

  #openOrSalvage(): { readonly database: DatabaseSync; readonly salvage: Salvage | null } {
    const { folder } = this.#options
    finishSalvage(folder)
    try {
      const isToBeSalvaged = this.#isDamaged || isEmptied(folder)
      if (!isToBeSalvaged) return { database: this.#open(folder), salvage: null }
    } catch (error) {
      if (!(error instanceof SpoolError) || error.kind !== 'damaged') throw error
    }
    // SQLite calls pages damaged that the disk only cannot read now: then nothing must be set aside.
    readThrough(folder)
    const salvage = salvageDatabase(folder)
    this.#isDamaged = false
    return { database: this.#open(folder), salvage }
  }

  #writeOne(
    database: DatabaseSync,
    store: Store,
    write: SpoolWrite,
  ): Outcome<SpoolAnswers[SpoolWrite['kind']]> {
    database.exec('SAVEPOINT one')
    try {
      const value = this.#perform(store, write)
      database.exec('RELEASE one')
      return { ok: true, value }
    } catch (error) {
      // A row that is refused is the caller's fault, and no reason to fail the others.
      const refusal = spoolErrorOf(error, `cannot ${write.kind}`)
      if (refusal.kind !== 'invalid') throw error
      database.exec('ROLLBACK TO one; RELEASE one')
      return failed(refusal)
    }
  }

  #perform(store: Store, write: SpoolWrite): SpoolAnswers[SpoolWrite['kind']] {
    switch (write.kind) {
      case 'commit':
        store.commit(write.entry)
        return null
      case 'settle':
        return store.settle(write.id, write.movedTo, write.settlement)
      case 'hurry':
        return store.hurry(write.domain)
      case 'hold':
        return store.hold(write.which, write.reason, write.nowMs, this.#isLeased)
    }
  }

  #readFrom(store: Store, call: SpoolRead): SpoolAnswers[SpoolRead['kind']] {
    switch (call.kind) {
      case 'lease':
        return this.#lease(store, call.request)
      case 'due':
        return store.due()
      case 'stats':
        return store.stats()
      case 'filed':
        return store.filedIds()
    }
  }

  #lease(store: Store, request: LeaseRequest): SpoolAnswers['lease'] {
    store.mendSchedule(request.domain, request.nowMs)
    const rows = store.lease(request, this.#isLeased)
    for (const { id, domain } of rows) this.#leased.add(leaseKey(id, domain))
    return rows
  }

  readonly #isLeased = (id: SpoolId, domain: string): boolean =>
    this.#leased.has(leaseKey(id, domain))

  #endLease({ id, domain }: Extract<SpoolCall, { kind: 'settle' }>): void {
    this.#leased.delete(leaseKey(id, domain))
  }

  /** What the callers of a failed group hear. `reached`: those that only lacked the end of the transaction. */
  #onFailed(error: unknown, reached: readonly SpoolWrite[]): SpoolError {
    const cause = spoolErrorOf(error, 'cannot write to the spool')
    if (isHarmless(error) && this.#rollBack()) return cause
    for (const write of reached) if (write.kind === 'commit') this.#unclear.add(write.entry.id)
    this.#stopFor(cause)
    const isUnclear = !this.#revoke()
    return new SpoolError(cause.kind, cause.message, isUnclear)
  }

  #rollBack(): boolean {
    try {
      if (this.#database?.isTransaction === true) this.#database.exec('ROLLBACK')
      return true
    } catch {
      return false
    }
  }

  /** True: what the failed group wanted to commit is certainly, durably, not there. */
  #revoke(): boolean {
    let database: DatabaseSync | undefined
    try {
      database = this.#open(this.#options.folder)
      this.#removeUnclear(new Store(database, this.#options.maxDelayMs))
      database.close()
      return true
    } catch {
      closeQuietly(database)
      return false
    }
  }

  #removeUnclear(store: Store): void {
    if (this.#unclear.size === 0) return
    for (const id of this.#unclear) store.remove(id)
    this.#unclear.clear()
  }

  #stoppedError(): SpoolError {
    return new SpoolError('stopped', `the spool is stopped: ${this.#stoppedBy ?? ''}`)
  }
}

/** A row takes one page and more. */
function pageCountOf(write: SpoolWrite): number {
  return write.kind === 'commit' ? 2 + write.entry.content.prefix.length / pageBytes : 2
}

function leaseKey(id: SpoolId, domain: string): string {
  return `${id} ${domain}`
}

function failed(error: SpoolError): { readonly ok: false; readonly failure: SpoolFailure } {
  const { kind, message, isUnclear } = error
  return { ok: false, failure: { kind, message, isUnclear } }
}
