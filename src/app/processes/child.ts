// One process of the relay as the supervisor sees it.

import { spawn, type ChildProcess } from 'node:child_process'
import path from 'node:path'
import type { Config } from '#config/config.ts'
import type { KeptCounters } from './departed-counters.ts'
import type { ChildMessage, SupervisorMessage } from './parent.ts'

export interface ChildOptions {
  readonly name: string
  /** Behind the program: what to run. */
  readonly args: readonly string[]
  /** Sockets it gets, from `firstDescriptor` on. */
  readonly descriptors: readonly number[]
  readonly begin: Extract<SupervisorMessage, { readonly kind: 'begin' }>
  readonly onReady: (child: Child) => void
  readonly onCounters: (counters: KeptCounters) => void
  /** Called once, also when it could not be started at all. `how`: for people. */
  readonly onEnded: (child: Child, how: string) => void
}

/**
 * Compiled code is kept between starts: processes are there in half the time. In a folder that only the
 * relay's own user can write to, since whoever can put code there can run it.
 */
export function compiledFolder({ state }: Pick<Config, 'state'>): string {
  return process.env['NODE_COMPILE_CACHE'] ?? path.join(state, 'compiled')
}

export class Child {
  readonly name: string
  readonly startedMs: number = performance.now()
  readonly #process: ChildProcess
  readonly #ended: Promise<void>
  #isStopping = false
  #wasKilled = false
  #isReady = false

  constructor(options: ChildOptions) {
    this.name = options.name
    const [program = ''] = process.argv.slice(1)
    this.#process = spawn(process.execPath, [...process.execArgv, program, ...options.args], {
      stdio: ['ignore', 'inherit', 'inherit', 'ipc', ...options.descriptors],
      // A signal of the terminal is the supervisor's to hear: it ends the others in order.
      detached: true,
      env: { ...process.env, NODE_COMPILE_CACHE: compiledFolder(options.begin.config) },
    })
    this.#process.on('message', (message: ChildMessage) => {
      if (message.kind === 'counters') options.onCounters(message.counters)
      else if (!this.#isReady) {
        this.#isReady = true
        options.onReady(this)
      }
    })
    this.#ended = new Promise((resolve) => {
      let isOver = false
      const end = (how: string): void => {
        if (isOver) return
        isOver = true
        resolve()
        options.onEnded(this, how)
      }
      this.#process.on('error', (error) => {
        if (this.#process.pid === undefined) end(error.message)
      })
      this.#process.on('exit', (code, signal) => end(signal ?? `exit code ${code}`))
    })
    this.tell(options.begin)
  }

  /** 0: it could not be started. */
  get pid(): number {
    return this.#process.pid ?? 0
  }

  get isReady(): boolean {
    return this.#isReady
  }

  /** It was asked to end and may take its time. */
  get isStopping(): boolean {
    return this.#isStopping
  }

  get wasKilled(): boolean {
    return this.#wasKilled
  }

  tell(message: SupervisorMessage): void {
    if (this.#process.connected) this.#process.send(message, () => undefined)
  }

  /** Asks it to end; resolves when it has. After `graceMs` it is killed. */
  async stop(graceMs: number, isReplaced: boolean = false): Promise<void> {
    this.#isStopping = true
    this.tell({ kind: 'stop', isReplaced })
    const timer = setTimeout(() => this.kill(), graceMs)
    await this.#ended
    clearTimeout(timer)
  }

  /** Ends it at once. */
  kill(): void {
    this.#wasKilled = true
    this.#process.kill('SIGKILL')
  }
}
