// Log lines on their way to a file, pipe or terminal: in batches, in order, within a bounded memory, and
// never in the way of mail. Whatever the log does (full disk, stuck reader, reader gone), `write` returns.

import { close, write } from 'node:fs'
import { LineQueue } from './line-queue.ts'
import { openLogTarget, type LogTarget, type OpenTarget } from './log-target.ts'

export interface LogWriterOptions {
  readonly target: LogTarget
  /** Tells the operator, once for each kind of trouble, that the log is not being written. One line. */
  readonly note: (text: string) => void
  readonly limits?: Partial<LogWriterLimits>
}

export interface LogWriterLimits {
  /** Lines are written when so many bytes have come together, or after `batchMs`. */
  readonly batchBytes: number
  readonly batchMs: number
  /** Beyond it the oldest lines are dropped and counted. */
  readonly maxPendingBytes: number
  /** Pause before a target that refused is tried again. */
  readonly retryMs: number
}

export interface LogWriter {
  /** Takes one line without line feed. Never waits, never throws. */
  readonly write: (line: string) => void
  /** Resolves when everything written so far has left, or is lost, or `budgetMs` is over. Never rejects. */
  readonly flush: (budgetMs: number) => Promise<void>
  /** Opens a file target anew (log rotation). On failure the old one stays, and the operator is told. */
  readonly reopen: () => void
  /** Flushes within `budgetMs`, then lets go: what is still pending is lost and counted. Never rejects. */
  readonly close: (budgetMs: number) => Promise<void>
  readonly writtenLineCount: () => number
  readonly lostLineCount: () => number
}

/** Why these: a batch is what a pipe takes at once on Linux; 8 MiB are some 20,000 mails. */
export const defaultLogWriterLimits: LogWriterLimits = {
  batchBytes: 64 * 1024,
  batchMs: 100,
  maxPendingBytes: 8 * 1024 * 1024,
  retryMs: 1000,
}

const fullPipeRetryMs = 20

/** @throws {TelemetryOpenError} when a file target cannot be opened. */
export function openLogWriter(options: LogWriterOptions): LogWriter {
  const writer = new BatchingWriter(options)
  return {
    write: (line) => writer.write(line),
    flush: (budgetMs) => writer.flush(budgetMs),
    reopen: () => writer.reopen(),
    close: (budgetMs) => writer.close(budgetMs),
    writtenLineCount: () => writer.writtenLineCount,
    lostLineCount: () => writer.lostLineCount,
  }
}

interface Waiter {
  /** Done when so many lines have left or are lost. */
  readonly untilLineCount: number
  readonly resolve: () => void
}

class BatchingWriter {
  writtenLineCount = 0
  lostLineCount = 0
  #takenLineCount = 0
  readonly #limits: LogWriterLimits
  readonly #note: (text: string) => void
  readonly #target: LogTarget
  readonly #queue: LineQueue
  #open: OpenTarget
  /** Where a write is under way; null: none is. */
  #writingTo: OpenTarget | null = null
  /** The target refused; the timer is the one that tries again. */
  #isBlocked = false
  #isGone = false
  #isClosed = false
  #hasNotedFailure = false
  #hasNotedLoss = false
  #timer: NodeJS.Timeout | null = null
  #waiters: Waiter[] = []

  constructor({ target, note, limits }: LogWriterOptions) {
    this.#limits = { ...defaultLogWriterLimits, ...limits }
    this.#note = note
    this.#target = target
    this.#queue = new LineQueue(this.#limits.batchBytes, this.#limits.maxPendingBytes)
    this.#open = openLogTarget(target)
  }

  write(line: string): void {
    this.#takenLineCount += 1
    if (this.#isGone || this.#isClosed) {
      this.lostLineCount += 1
      return
    }
    this.#queue.append(line)
    const lostLineCount = this.#queue.dropOldest()
    if (lostLineCount > 0) this.#onLost(lostLineCount)
    if (this.#writingTo === null && !this.#isBlocked) this.#writeOrWait()
  }

  flush(budgetMs: number): Promise<void> {
    if (this.#queue.head === undefined) return Promise.resolve()
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, budgetMs)
      const untilLineCount = this.#takenLineCount
      this.#waiters.push({ untilLineCount, resolve: () => resolve(clearTimeout(timer)) })
      if (this.#writingTo === null) this.#writeHead()
    })
  }

  reopen(): void {
    if (this.#target.kind !== 'file' || this.#isClosed) return
    const before = this.#open
    try {
      this.#open = openLogTarget(this.#target)
    } catch (error) {
      this.#note(`log: ${messageOf(error)}; still writing to the file opened before`)
      return
    }
    this.#isGone = false
    // A write under way keeps its descriptor until it is done (see #onWritten).
    if (before !== this.#writingTo) closeTarget(before)
  }

  async close(budgetMs: number): Promise<void> {
    if (this.#isClosed) return
    await this.flush(budgetMs)
    this.#isClosed = true
    this.#loseAll()
    if (this.#open !== this.#writingTo) closeTarget(this.#open)
  }

  #writeOrWait(): void {
    const isDue = this.#queue.pendingBytes >= this.#limits.batchBytes
    if (isDue || this.#queue.headTakenBytes > 0 || this.#waiters.length > 0) this.#writeHead()
    else this.#timer ??= setTimeout(() => this.#onTimer(), this.#limits.batchMs)
  }

  #onTimer(): void {
    this.#timer = null
    if (this.#writingTo === null) this.#writeHead()
  }

  #writeHead(): void {
    this.#stopTimer()
    const { head, headTakenBytes } = this.#queue
    if (head === undefined) return
    const target = this.#open
    const length = head.usedBytes - headTakenBytes
    this.#writingTo = target
    this.#queue.isHeadHeld = true
    write(target.descriptor, head.bytes, headTakenBytes, length, null, (error, bytes) =>
      this.#onWritten(target, error, bytes),
    )
  }

  #onWritten(target: OpenTarget, error: NodeJS.ErrnoException | null, bytes: number): void {
    this.#writingTo = null
    this.#queue.isHeadHeld = false
    if (target !== this.#open || this.#isClosed) closeTarget(target)
    if (this.#isClosed) return
    if (error === null) this.#onSuccess(bytes)
    else this.#onFailure(error)
  }

  #onSuccess(bytes: number): void {
    this.writtenLineCount += this.#queue.take(bytes)
    this.#hasNotedFailure = false
    if (this.#queue.head === undefined) this.#hasNotedLoss = false
    this.#wake()
    if (this.#queue.head !== undefined) this.#writeOrWait()
  }

  #onFailure(error: NodeJS.ErrnoException): void {
    if (error.code === 'EPIPE' || error.code === 'EBADF') {
      this.#isGone = true
      this.#note(`log: nobody reads it any more (${error.code}); lines are lost from here on`)
      this.#loseAll()
      return
    }
    this.#isBlocked = true
    const isFull = error.code === 'EAGAIN' // a full pipe: the reader is slow, that is all
    if (!isFull && !this.#hasNotedFailure) {
      this.#hasNotedFailure = true
      this.#note(`log: cannot be written (${error.message}); trying again`)
    }
    const retryMs = isFull ? fullPipeRetryMs : this.#limits.retryMs
    this.#timer = setTimeout(() => this.#onTimer(), retryMs).unref()
  }

  #onLost(lineCount: number): void {
    this.lostLineCount += lineCount
    this.#wake()
    if (this.#hasNotedLoss) return
    this.#hasNotedLoss = true
    this.#note('log: lines are lost, it grows faster than it is taken')
  }

  #loseAll(): void {
    this.#stopTimer()
    this.lostLineCount += this.#queue.clear()
    this.#wake()
  }

  #stopTimer(): void {
    if (this.#timer !== null) clearTimeout(this.#timer)
    this.#timer = null
    this.#isBlocked = false
  }

  #wake(): void {
    const doneLineCount = this.writtenLineCount + this.lostLineCount
    const isDone = (waiter: Waiter) => waiter.untilLineCount <= doneLineCount
    for (const waiter of this.#waiters.filter(isDone)) waiter.resolve()
    this.#waiters = this.#waiters.filter((waiter) => !isDone(waiter))
  }
}

/** Only what was opened here; standard output stays open. */
function closeTarget(target: OpenTarget): void {
  if (target.isOwn) close(target.descriptor, () => {})
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
