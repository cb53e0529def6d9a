// The way to the spool's thread and back: calls of one turn of the event loop go in one message, answers are matched by
// number, and the end of the thread is the failure of everything asked.

import type { Worker } from 'node:worker_threads'
import type { AnswerGroup, NumberedCall, SpoolAnswers, SpoolCall } from './messages.ts'
import { SpoolError } from './spool.ts'

interface Asked {
  readonly isCommit: boolean
  readonly resolve: (value: never) => void
  readonly reject: (error: SpoolError) => void
}

export class SpoolThread {
  readonly #start: () => Worker
  readonly #onStopped: (detail: string) => void
  readonly #asked = new Map<number, Asked>()
  #worker: Worker | null = null
  #number = 0
  #outbox: NumberedCall[] = []
  #transfers: ArrayBuffer[] = []
  #isClosed = false

  /** `onStopped`: the spool takes nothing any more, for that reason. */
  constructor(start: () => Worker, onStopped: (detail: string) => void) {
    this.#start = start
    this.#onStopped = onStopped
  }

  /** Rejects with a SpoolError. `transfers`: memory that is the thread's from now on. */
  ask<Call extends SpoolCall>(
    call: Call,
    transfers: readonly ArrayBuffer[] = [],
  ): Promise<SpoolAnswers[Call['kind']]> {
    if (this.#isClosed) return Promise.reject(new SpoolError('stopped', 'the spool is closed'))
    return new Promise((resolve, reject) => {
      this.#number += 1
      this.#asked.set(this.#number, { isCommit: call.kind === 'commit', resolve, reject })
      if (this.#outbox.length === 0) setImmediate(() => this.#send())
      this.#outbox.push({ number: this.#number, call })
      this.#transfers.push(...transfers)
    })
  }

  /** Waits for what was asked before. */
  async close(): Promise<void> {
    if (this.#isClosed) return
    const closed = this.#worker === null ? null : this.ask({ kind: 'close' })
    this.#isClosed = true
    await closed?.catch(() => undefined)
    await this.#worker?.terminate()
  }

  #send(): void {
    const calls = this.#outbox
    const transfers = this.#transfers
    this.#outbox = []
    this.#transfers = []
    this.#worker ??= this.#open()
    this.#worker.postMessage(calls, transfers)
  }

  #open(): Worker {
    const worker = this.#start()
    let fault = 'it ended'
    worker.on('message', (group: AnswerGroup) => this.#onAnswers(group))
    worker.on('error', (error) => (fault = String(error)))
    worker.on('exit', () => this.#onExit(worker, fault))
    return worker
  }

  #onAnswers({ answers, stoppedBy }: AnswerGroup): void {
    if (stoppedBy !== null) this.#onStopped(stoppedBy)
    for (const answer of answers) {
      const asked = this.#asked.get(answer.number)
      this.#asked.delete(answer.number)
      if (answer.ok) asked?.resolve(answer.value as never)
      else {
        const { kind, message, isUnclear } = answer.failure
        asked?.reject(new SpoolError(kind, message, isUnclear))
      }
    }
  }

  /** A bug of ours, or no memory. What was asked may have been done. */
  #onExit(worker: Worker, fault: string): void {
    if (this.#worker !== worker) return
    this.#worker = null
    if (!this.#isClosed) this.#onStopped(`the thread of the spool failed: ${fault}`)
    const asked = [...this.#asked.values()]
    this.#asked.clear()
    for (const { isCommit, reject } of asked) {
      reject(new SpoolError('internal', `the thread of the spool failed: ${fault}`, isCommit))
    }
  }
}
