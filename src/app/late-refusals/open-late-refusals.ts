// Keeps count of what servers refuse after they have said yes, and tells people once when it is too much
// (decision 047). In the coordinator, or in the only process.

import type { Alert } from '#alert/alert.ts'
import { cleanLine } from '#base/text.ts'
import type { Clock } from '#base/clock.ts'
import {
  afterRefusal,
  atTime,
  emptyRefusals,
  isOver,
  productionTitle,
  refusalSummary,
  type LateRefusalState,
} from '#compliance/production.ts'
import {
  forgetRefusals,
  listRefusals,
  loadCounting,
  loadRefusals,
  saveCounting,
  saveRefusals,
} from '#compliance/production-store.ts'
import type { RecheckEvent } from '#compliance/recheck-event.ts'
import type { LateRefusal } from '#handover/handover.ts'
import type { Registry } from '#registry/registry.ts'
import { refusalsStatus, type RefusalsStatus } from './refusals-status.ts'

/** As it comes from a process that has seen it. */
export type SeenLate = LateRefusal & { readonly mail: string }

/** What the link carries need not be longer than what is kept. */
export function bounded({ mail, domain, recipients, server, at, reply }: SeenLate): SeenLate {
  return { mail, domain, recipients, server, at, reply: reply.slice(0, 1000) }
}

export interface LateRefusalsOptions {
  /** The state folder. */
  readonly folder: string
  readonly registry: Pick<Registry, 'find'>
  /** A person takes mail for this address whatever its server says: its refusal contradicts nobody. */
  readonly isPinned: (address: string, nowMs: number) => boolean
  readonly clock: Clock
  readonly raise: (alert: Alert) => void
  readonly emit: (event: RecheckEvent) => void
  readonly onFault: (doing: string, cause: unknown) => void
  readonly times?: LateRefusalTimes
}

export interface LateRefusalTimes {
  /** Counts that are not yet written when the machine dies are lost; the log has them. */
  readonly writeMs: number
  /** How often it is looked whether a server is well again. */
  readonly lookMs: number
  /** How often it is written down that somebody counts. */
  readonly aliveMs: number
}

export interface LateRefusals {
  /** Never throws, and does nothing that waits. */
  readonly take: (seen: SeenLate) => void
  readonly status: () => RefusalsStatus
  /** Writes what is not yet written. Never rejects. */
  readonly close: () => Promise<void>
}

export const usualTimes: LateRefusalTimes = {
  writeMs: 5000,
  lookMs: 60_000,
  aliveMs: 3_600_000,
}

const check = 'production-rejections'

export function openLateRefusals(options: LateRefusalsOptions): LateRefusals {
  const book = new Book(options)
  return { take: book.take, status: book.status, close: book.close }
}

class Book {
  readonly #options: LateRefusalsOptions
  readonly #states = new Map<string, LateRefusalState>()
  /** Seen before the files were read. */
  readonly #early: SeenLate[] = []
  readonly #unwritten = new Set<string>()
  readonly #timers: readonly NodeJS.Timeout[]
  #isRead = false
  #isClosed = false
  /** Everything that waits for the disk, one after the other. */
  #work: Promise<void>

  constructor(options: LateRefusalsOptions) {
    const { writeMs, lookMs, aliveMs } = options.times ?? usualTimes
    this.#options = options
    const every = (ms: number, doing: string, run: () => Promise<void> | void): NodeJS.Timeout =>
      setInterval(() => this.#then(doing, run), ms).unref()
    this.#work = this.#read().catch((error: unknown) => this.#fault('read', error))
    this.#timers = [
      every(writeMs, 'written', this.#write),
      every(lookMs, 'looked at', this.#look),
      every(aliveMs, 'written', this.#sayAlive),
    ]
  }

  readonly take = (seen: SeenLate): void => {
    if (!this.#isRead) {
      if (this.#early.length < 1000) this.#early.push(seen)
      return
    }
    try {
      this.#count(seen)
    } catch (error) {
      this.#fault('counted', error)
    }
  }

  readonly status = (): RefusalsStatus =>
    refusalsStatus([...this.#states.values()], this.#options.clock.now())

  readonly close = async (): Promise<void> => {
    if (this.#isClosed) return
    this.#isClosed = true
    for (const timer of this.#timers) clearInterval(timer)
    this.#then('written', this.#write)
    this.#then('written', this.#sayAlive)
    await this.#work
  }

  #then(doing: string, run: () => Promise<void> | void): void {
    this.#work = this.#work.then(run).catch((error: unknown) => this.#fault(doing, error))
  }

  #fault(doing: string, cause: unknown): void {
    this.#options.onFault(`late refusals could not be ${doing}`, cause)
  }

  async #read(): Promise<void> {
    const { folder } = this.#options
    for (const domain of await listRefusals(folder)) {
      const state = await loadRefusals(folder, domain)
      // Of another server than now, or of none: the first look removes it.
      if (state !== null) this.#states.set(domain, state)
    }
    this.#isRead = true
    for (const seen of this.#early.splice(0)) this.take(seen)
    await this.#sayAlive()
    await this.#look()
  }

  readonly #sayAlive = async (): Promise<void> => {
    const { folder, clock } = this.#options
    const aliveAtMs = clock.now()
    const known = await loadCounting(folder)
    await saveCounting(folder, { sinceMs: known?.sinceMs ?? aliveAtMs, aliveAtMs })
  }

  #count(seen: SeenLate): void {
    const { registry, clock, isPinned } = this.#options
    const served = registry.find(seen.domain)
    if (served === undefined) return
    const nowMs = clock.now()
    const isRecipient = seen.at === 'recipient'
    const count = isRecipient
      ? seen.recipients.filter((address) => !isPinned(address, nowMs)).length
      : 1
    if (count === 0) return
    const known = this.#states.get(seen.domain)
    const before =
      known?.routeId === served.route.id ? known : emptyRefusals(seen.domain, served.route.id)
    const state = afterRefusal(atTime(before, nowMs), {
      kind: seen.at,
      atMs: nowMs,
      mail: seen.mail,
      server: cleanLine(seen.server, 300),
      reply: cleanLine(seen.reply, 300),
      count,
      isExpected: served.byHand.refusesAtData === true,
    })
    this.#states.set(seen.domain, state)
    this.#unwritten.add(seen.domain)
    if (state.degraded?.isTold === false) this.#then('told', () => this.#tell(seen.domain))
  }

  /** Written down before and after, so that whoever is killed between the two tells it again. */
  async #tell(domain: string): Promise<void> {
    const { raise, emit, clock } = this.#options
    const state = this.#states.get(domain)
    if (state === undefined || state.degraded === null || state.degraded.isTold) return
    await this.#writeOne(domain).catch((error: unknown) => this.#fault('written', error))
    const summary = refusalSummary(state, clock.now())
    const server = serverOf(state)
    const about = { domain, server, check, severity: 'must' } as const
    emit({
      kind: 'verdict-changed',
      ...about,
      was: 'met',
      verdict: 'violated',
      detail: summary.en,
    })
    raise({
      kind: 'requirement-violated',
      watch: 'mail',
      domain,
      server,
      violated: [{ check, title: productionTitle, summary }],
      atMs: clock.now(),
    })
    const told = this.#states.get(domain) ?? state
    if (told.degraded !== null) {
      this.#states.set(domain, { ...told, degraded: { ...told.degraded, isTold: true } })
    }
    await this.#writeOne(domain)
  }

  readonly #write = async (): Promise<void> => {
    for (const domain of this.#unwritten) await this.#writeOne(domain)
  }

  async #writeOne(domain: string): Promise<void> {
    const { folder, registry } = this.#options
    const state = this.#states.get(domain)
    this.#unwritten.delete(domain)
    if (state === undefined || registry.find(domain) === undefined) return
    try {
      await saveRefusals(folder, state)
    } catch (error) {
      this.#unwritten.add(domain)
      throw error
    }
  }

  /** What has ended, and what is of no domain or of no server any more. */
  readonly #look = async (): Promise<void> => {
    const { registry, clock, folder, emit } = this.#options
    for (const domain of this.#states.keys()) {
      const isOfServer = registry.find(domain)?.route.id === this.#states.get(domain)?.routeId
      if (isOfServer) await this.#tell(domain)
      const before = this.#states.get(domain)
      if (before === undefined) continue
      const nowMs = clock.now()
      const state = atTime(before, nowMs)
      if (isOfServer && state.degraded === null && before.degraded !== null) {
        const detail = refusalSummary(state, nowMs).en
        const about = { domain, server: serverOf(state), check, severity: 'must' } as const
        emit({ kind: 'verdict-changed', ...about, was: 'violated', verdict: 'met', detail })
        this.#states.set(domain, state)
        this.#unwritten.add(domain)
      }
      if (!isOfServer || isOver(state, nowMs)) {
        this.#states.delete(domain)
        await forgetRefusals(folder, domain)
      }
    }
  }
}

function serverOf({ examples: { content, recipient } }: LateRefusalState): string {
  const last = (content?.atMs ?? 0) >= (recipient?.atMs ?? 0) ? content : recipient
  return last?.server ?? ''
}
