// A client that is not known yet: it waits for its banner, while it is watched for talking and the lists are
// asked. What it says meanwhile is handed on when it may stay.

import type { Deadlines, Expirable } from '#base/deadlines.ts'
import type { Connection, ConnectionHandler } from '#net/connection.ts'
import type { Score } from './dns-lists.ts'
import type { Inquiry } from './ask-lists.ts'

/** How it ended. Times since the client came. */
export type Watched =
  | { readonly kind: 'refused-pregreet' }
  | { readonly kind: 'refused-listed' }
  /** It may stay. `hasTalked`: too early, in observe mode. Not `isTested`: it was let go before the end. */
  | {
      readonly kind: 'stays'
      readonly isTested: boolean
      readonly hasTalked: boolean
      readonly early: Buffer | null
    }
  | { readonly kind: 'left' }

export interface Watch {
  readonly connection: Connection
  readonly deadlines: Deadlines
  readonly monotonicMs: () => number
  /** Null: the client is not watched for talking. */
  readonly pregreet: {
    readonly delayMs: number
    readonly isEnforced: boolean
    /** The first line of a banner of several, or null. */
    readonly teaser: string | null
  } | null
  /** Null: no list is asked. */
  readonly lists: {
    readonly inquiry: Inquiry
    readonly timeoutMs: number
    readonly isListed: (score: Score) => boolean
    /** Good enough to be let off the rest of the delay. */
    readonly isAllowed: (score: Score) => boolean
    readonly isEnforced: boolean
  } | null
  /** It spoke too early; called once, in both modes, before the end is. */
  readonly onPregreet: (chunk: Buffer) => void
  /** Once. The connection has no handler of use any more. */
  readonly onEnd: (watched: Watched) => void
}

export class WaitingClient implements ConnectionHandler, Expirable {
  deadlineMs: number = Infinity
  readonly #watch: Watch
  readonly #startedMs: number
  #isDelayOver: boolean
  #areListsOver: boolean
  #hasTalked = false
  #early: Buffer | null = null
  #isOver = false

  constructor(watch: Watch) {
    this.#watch = watch
    this.#startedMs = watch.monotonicMs()
    this.#isDelayOver = watch.pregreet === null
    this.#areListsOver = watch.lists === null
  }

  start(): void {
    const { connection, deadlines, pregreet, lists } = this.#watch
    this.#setDeadline()
    deadlines.add(this)
    connection.attach(this)
    const teaser = pregreet?.teaser ?? null
    if (teaser !== null) connection.write(teaser)
    void lists?.inquiry.done.then(() => this.#listsOver())
  }

  /** Without a verdict. */
  letGo(): void {
    this.#stay(false)
  }

  expire(): void {
    const waitedMs = this.#watch.monotonicMs() - this.#startedMs
    if (waitedMs >= (this.#watch.pregreet?.delayMs ?? 0)) this.#isDelayOver = true
    if (waitedMs >= (this.#watch.lists?.timeoutMs ?? 0)) this.#listsOver()
    this.#look()
  }

  onData(chunk: Buffer): void {
    const { connection, pregreet } = this.#watch
    // One piece is enough, and all there is room for; the rest waits in the kernel.
    connection.pause()
    this.#early = this.#early === null ? chunk : Buffer.concat([this.#early, chunk])
    if (this.#isDelayOver || pregreet === null || this.#hasTalked) return
    this.#hasTalked = true
    this.#watch.onPregreet(chunk)
    if (pregreet.isEnforced) this.#end({ kind: 'refused-pregreet' })
  }

  /** Before its banner, and without a word: it will not have one. */
  onEnd(): void {
    if (this.#early !== null) return
    this.#watch.connection.destroy()
  }

  onDrain(): void {
    // A line of a banner always fits.
  }

  onClose(): void {
    this.#end({ kind: 'left' })
  }

  #listsOver(): void {
    const { lists } = this.#watch
    if (this.#isOver || this.#areListsOver || lists === null) return
    this.#areListsOver = true
    const score = lists.inquiry.score()
    if (lists.isAllowed(score)) this.#isDelayOver = true
    if (lists.isEnforced && lists.isListed(score)) {
      this.#end({ kind: 'refused-listed' })
      return
    }
    this.#look()
  }

  #look(): void {
    if (this.#isOver) return
    if (this.#isDelayOver && !this.#areListsAwaited) this.#stay(true)
    else this.#setDeadline()
  }

  /** In observe mode they cost the client nothing. */
  get #areListsAwaited(): boolean {
    return !this.#areListsOver && this.#watch.lists?.isEnforced === true
  }

  #setDeadline(): void {
    const { pregreet, lists } = this.#watch
    const times = [
      ...(this.#isDelayOver ? [] : [pregreet?.delayMs ?? 0]),
      ...(this.#areListsAwaited ? [lists?.timeoutMs ?? 0] : []),
    ]
    this.deadlineMs = this.#startedMs + Math.min(...times)
  }

  #stay(isTested: boolean): void {
    this.#end({ kind: 'stays', isTested, hasTalked: this.#hasTalked, early: this.#early })
  }

  #end(watched: Watched): void {
    if (this.#isOver) return
    this.#isOver = true
    this.#watch.deadlines.delete(this)
    this.#watch.onEnd(watched)
  }
}
