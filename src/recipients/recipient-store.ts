// The memory that survives a restart: recipients.db, written behind, shared with the command line.
// It is a cache. Whatever goes wrong with it is told once a minute and otherwise ignored: without it
// recipients are asked live.

import type { Clock } from '#base/clock.ts'
import { isWanted } from './cache.ts'
import { mergeEntries, type RecipientEntry } from './entry.ts'
import type { ForeignChange } from './store-changes.ts'
import {
  openStoreDatabase,
  type CatchAllMark,
  type StoreDatabase,
  type TargetMarks,
} from './store-database.ts'

/** The store cannot be written, so an order of the operator's would not last. */
export class RecipientStoreError extends Error {
  readonly code = 'recipient-store-failed'
  constructor(cause: unknown) {
    super(`the recipient store cannot be used: ${errorText(cause)}`, { cause })
    this.name = 'RecipientStoreError'
  }
}

export interface RecipientStoreOptions {
  /** Absolute; made when missing. Null: in memory, everything is lost with the process. */
  readonly folder: string | null
  readonly clock: Clock
  readonly onFailure: (error: string) => void
  /** Another process changed something: what is held in memory of it is out of date. */
  readonly onForeignChange: (change: ForeignChange) => void
  readonly maxEntriesPerDomain: number
  readonly keepMs: number
}

export interface RecipientStore {
  /** One synchronous SELECT. Never throws. */
  readonly find: (domain: string, local: string) => RecipientEntry | undefined
  readonly marks: () => TargetMarks
  /** Written within a second or two, in one transaction with the others. Never throws. */
  readonly put: (entry: RecipientEntry) => void
  readonly putCatchAll: (mark: CatchAllMark) => void
  readonly putProbeSender: (routeId: string, isNeeded: boolean) => void
  /**
   * These three are orders of a person: committed on return, else RecipientStoreError is thrown.
   */
  readonly forget: (domain: string, local: string) => boolean
  readonly pin: (domain: string, local: string, untilMs: number) => void
  readonly replaceList: (domain: string, locals: ReadonlySet<string>, atMs: number) => number
  readonly close: () => void
}

const tickMs = 1000
const maintenanceMs = 60_000
const reopenMs = 60_000
const failureEventMs = 60_000

/** Not yet written answers; beyond it the oldest is dropped, to be asked again after a restart. */
const maxPendingCount = 10_000

export function openRecipientStore(options: RecipientStoreOptions): RecipientStore {
  return new SqliteStore(options)
}

const noMarks: TargetMarks = Object.freeze({ catchAlls: [], probeSenderRoutes: [] })

class SqliteStore implements RecipientStore {
  readonly #options: RecipientStoreOptions
  readonly #pending: {
    readonly entries: Map<string, RecipientEntry>
    readonly catchAlls: Map<string, CatchAllMark>
    readonly probeSenders: Map<string, boolean>
  } = { entries: new Map(), catchAlls: new Map(), probeSenders: new Map() }
  /** Domains with new rows since the last maintenance. */
  readonly #grown = new Set<string>()
  readonly #timer: NodeJS.Timeout
  #database: StoreDatabase | null = null
  #openedAt = -Infinity
  #maintainedAt = -Infinity
  #failureToldAt = -Infinity

  constructor(options: RecipientStoreOptions) {
    this.#options = options
    this.#open()
    this.#timer = setInterval(() => {
      this.#tick()
    }, tickMs)
    this.#timer.unref()
  }

  find(domain: string, local: string): RecipientEntry | undefined {
    const pending = this.#pending.entries.get(keyOf(domain, local))
    if (this.#database === null) return pending
    try {
      const stored = this.#database.find(domain, local)
      if (pending === undefined) return stored
      // Pins and lists do not wait: what the file says of them is newer.
      if (stored === undefined) return { ...pending, pinnedUntilMs: 0, listedAtMs: null }
      return mergeEntries(pending, stored)
    } catch (error) {
      this.#fail(error)
      return pending
    }
  }

  marks(): TargetMarks {
    try {
      return this.#database?.marks() ?? noMarks
    } catch (error) {
      this.#fail(error)
      return noMarks
    }
  }

  put(entry: RecipientEntry): void {
    const { entries } = this.#pending
    const key = keyOf(entry.domain, entry.local)
    entries.delete(key)
    entries.set(key, entry)
    if (entries.size > maxPendingCount) dropOne(entries)
  }

  putCatchAll(mark: CatchAllMark): void {
    this.#pending.catchAlls.set(`${mark.routeId} ${mark.domain}`, mark)
  }

  putProbeSender(routeId: string, isNeeded: boolean): void {
    this.#pending.probeSenders.set(routeId, isNeeded)
  }

  forget(domain: string, local: string): boolean {
    const wasPending = this.#pending.entries.delete(keyOf(domain, local))
    return this.#order((database) => database.forget(domain, local)) || wasPending
  }

  pin(domain: string, local: string, untilMs: number): void {
    this.#order((database) => {
      database.pin(domain, local, untilMs)
    })
  }

  replaceList(domain: string, locals: ReadonlySet<string>, atMs: number): number {
    return this.#order((database) => database.replaceList(domain, locals, atMs))
  }

  close(): void {
    clearInterval(this.#timer)
    this.#attempt((database) => {
      this.#write(database)
    })
    this.#drop()
  }

  #order<Value>(work: (database: StoreDatabase) => Value): Value {
    try {
      if (this.#database === null) throw new Error('it could not be opened')
      return work(this.#database)
    } catch (error) {
      throw new RecipientStoreError(error)
    }
  }

  /**
   * Opened again after a fault, what is in memory stays, although orders given meanwhile went unnoticed:
   * to lose all that is known to be good would be worse.
   */
  #open(): void {
    const { clock, folder } = this.#options
    this.#openedAt = clock.monotonicMs()
    try {
      this.#database = openStoreDatabase(folder)
    } catch (error) {
      this.#fail(error)
    }
  }

  #tick(): void {
    const now = this.#options.clock.monotonicMs()
    if (this.#database === null && now - this.#openedAt >= reopenMs) this.#open()
    this.#attempt((database) => {
      this.#apply(database.poll())
      this.#write(database)
      if (now - this.#maintainedAt >= maintenanceMs) {
        this.#maintainedAt = now
        this.#maintain(database)
      }
    })
  }

  #write(database: StoreDatabase): void {
    const { entries, catchAlls, probeSenders } = this.#pending
    if (entries.size + catchAlls.size + probeSenders.size === 0) return
    database.write(this.#pending, this.#options.clock.now(), (changes) => {
      this.#apply(changes)
    })
    for (const entry of entries.values()) this.#grown.add(entry.domain)
    entries.clear()
    catchAlls.clear()
    probeSenders.clear()
  }

  #maintain(database: StoreDatabase): void {
    const { clock, keepMs, maxEntriesPerDomain } = this.#options
    database.purge({ nowMs: clock.now(), keepMs, maxEntriesPerDomain, domains: this.#grown })
    this.#grown.clear()
  }

  /**
   * What waits here is merged with what another process wrote, but what a person made forget is not
   * remembered again.
   */
  #apply(changes: readonly ForeignChange[]): void {
    const { entries } = this.#pending
    for (const change of changes) {
      if (change.kind === 'everything') entries.clear()
      else if (change.local !== null) {
        const isForgotten =
          (this.#database?.find(change.domain, change.local)?.last ?? null) === null
        if (isForgotten) entries.delete(keyOf(change.domain, change.local))
      }
      this.#options.onForeignChange(change)
    }
  }

  #attempt(work: (database: StoreDatabase) => void): void {
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
    this.#options.onFailure(errorText(error))
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

/** A local part may hold `@` only in quotes and a domain never does, so the key is unambiguous. */
function keyOf(domain: string, local: string): string {
  return `${local}@${domain}`
}

/** The oldest stranger among the first, else the oldest. Looks at few, so that a flood stays cheap. */
function dropOne(entries: Map<string, RecipientEntry>): void {
  let oldest: string | undefined
  let lookedAt = 0
  for (const [key, entry] of entries) {
    oldest ??= key
    lookedAt += 1
    if (!isWanted(entry)) {
      entries.delete(key)
      return
    }
    if (lookedAt === 10) break
  }
  if (oldest !== undefined) entries.delete(oldest)
}

const sqliteBusy = 5

function isBusy(error: unknown): boolean {
  return error instanceof Error && 'errcode' in error && Number(error.errcode) % 256 === sqliteBusy
}

function errorText(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
