// One process of the relay as the supervisor sees it.

import { spawn, type ChildProcess } from 'node:child_process'
import type { ChildMessage, SupervisorMessage } from './parent.ts'

export interface ChildOptions {
  readonly name: string
  /** Behind the program: what to run. */
  readonly args: readonly string[]
  /** Sockets it gets, from `firstDescriptor` on. */
  readonly descriptors: readonly number[]
  readonly begin: Extract<SupervisorMessage, { readonly kind: 'begin' }>
  readonly onReady: (child: Child) => void
  readonly onEnded: (child: Child, how: string) => void
}

export class Child {
  readonly name: string
  readonly startedMs: number = performance.now()
  readonly #process: ChildProcess
  readonly #ended: Promise<void>
  #isStopping = false
  #isReady = false

  constructor(options: ChildOptions) {
    this.name = options.name
    const [program = ''] = process.argv.slice(1)
    this.#process = spawn(process.execPath, [...process.execArgv, program, ...options.args], {
      stdio: ['ignore', 'inherit', 'inherit', 'ipc', ...options.descriptors],
      // A signal of the terminal is the supervisor's to hear: it ends the others in order.
      detached: true,
    })
    this.#process.on('message', (message: ChildMessage) => {
      if (message.kind !== 'ready') return
      this.#isReady = true
      options.onReady(this)
    })
    this.#ended = new Promise((resolve) => {
      let isOver = false
      const end = (how: string): void => {
        if (isOver) return
        isOver = true
        resolve()
        options.onEnded(this, how)
      }
      this.#process.on('error', (error) => end(error.message))
      this.#process.on('exit', (code, signal) => end(signal ?? `exit code ${code}`))
    })
    this.tell(options.begin)
  }

  get pid(): number {
    return this.#process.pid ?? 0
  }

  get isReady(): boolean {
    return this.#isReady
  }

  get isStopping(): boolean {
    return this.#isStopping
  }

  tell(message: SupervisorMessage): void {
    if (this.#process.connected) this.#process.send(message, () => undefined)
  }

  /** Asks it to end; resolves when it has. */
  async stop(): Promise<void> {
    this.#isStopping = true
    this.tell({ kind: 'stop' })
    await this.#ended
  }

  /** Ends it at once. */
  kill(): void {
    this.#isStopping = true
    this.#process.kill('SIGKILL')
  }
}
