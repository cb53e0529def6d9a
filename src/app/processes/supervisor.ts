// The supervisor: opens the ports, starts coordinator and workers, starts them again when they end, replaces
// them one after the other on a reload, ends them in order. It touches no mail.

import { randomBytes } from 'node:crypto'
import type { Config } from '#config/config.ts'
import { bindPort, type BoundPort } from '#net/bound-port.ts'
import type { Telemetry } from '#telemetry/telemetry.ts'
import { cannotListen } from '#app/cannot-listen.ts'
import { changedKeys } from '#app/changed-keys.ts'
import { CommandError } from '#app/command.ts'
import { Child } from './child.ts'

export interface Supervisor {
  /** Replaces the processes by ones with that configuration; gives the keys that need a restart. */
  readonly reload: (config: Config) => Promise<readonly string[]>
  readonly stop: () => Promise<void>
}

export interface SupervisorOptions {
  readonly config: Config
  /** The file it came from: children read it again. */
  readonly file: string
  readonly telemetry: Telemetry
  readonly version: string
}

/** Opening a large spool takes a while. */
const readyMs = 60_000
const firstPauseMs = 100
const longestPauseMs = 10_000
/** A process that lived so long is started again at once. */
const healthyMs = 10_000
/** Tickets of the hour before are not resumed. */
const ticketKeysMs = 3_600_000

/** The ports are the supervisor's own, and what is the same for all. */
const ownKeys: ReadonlySet<string> = new Set(['listen', 'workers', 'state'])

/** Rejects with a CommandError when a port or a process cannot be started; nothing is left running then. */
export async function startSupervisor(options: SupervisorOptions): Promise<Supervisor> {
  const supervisor = new ProcessSupervisor(options)
  await supervisor.start()
  return supervisor
}

class ProcessSupervisor implements Supervisor {
  readonly #options: SupervisorOptions
  readonly #ports: BoundPort[] = []
  /** By name; the youngest of that name. */
  readonly #children = new Map<string, Child>()
  /** All that run, those that drain included. */
  readonly #running = new Set<Child>()
  readonly #pauses = new Map<string, number>()
  #config: Config
  #ticketKeys = newTicketKeys()
  #keysTimer: NodeJS.Timeout | null = null
  #isStopping = false

  constructor(options: SupervisorOptions) {
    this.#options = options
    this.#config = options.config
  }

  async start(): Promise<void> {
    const { config, telemetry, version } = this.#options
    const { hostname, listen, workers } = config
    telemetry.emit({ kind: 'started', hostname, listeners: listen, version })
    try {
      for (const place of listen) this.#ports.push(bind(place))
      await this.#launch('coordinator')
      await Promise.all(workerNames(workers).map(async (name) => await this.#launch(name)))
    } catch (error) {
      await this.#end()
      throw error
    }
    this.#keysTimer = setInterval(() => this.#renewTicketKeys(), ticketKeysMs).unref()
  }

  async reload(config: Config): Promise<readonly string[]> {
    const changed = changedKeys(this.#config, config)
    this.#config = { ...config, listen: this.#config.listen, workers: this.#config.workers }
    if (changed.some((key) => !ownKeys.has(key))) {
      await this.#children.get('coordinator')?.stop()
      await this.#launch('coordinator')
    }
    for (const name of workerNames(this.#config.workers)) {
      const old = this.#children.get(name)
      await this.#launch(name)
      void old?.stop() // it finishes its mails
    }
    return changed.filter((key) => ownKeys.has(key))
  }

  async stop(): Promise<void> {
    await this.#end()
    this.#options.telemetry.emit({ kind: 'stopped' })
  }

  async #end(): Promise<void> {
    this.#isStopping = true
    if (this.#keysTimer !== null) clearInterval(this.#keysTimer)
    const coordinator = this.#children.get('coordinator')
    const workers = [...this.#running].filter((child) => child !== coordinator)
    await Promise.all(workers.map(async (child) => await child.stop()))
    await coordinator?.stop()
    for (const port of this.#ports) port.close()
  }

  /** Resolves when it is ready. Rejects when it ends before that, or takes too long. */
  async #launch(name: string): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>()
    const child = this.#spawn(name, resolve, (how) =>
      reject(new CommandError(`${name} could not be started (${how}); it has said why above`)),
    )
    const timer = setTimeout(() => {
      child.kill()
      reject(new CommandError(`${name} is not ready after ${readyMs / 1000} s`))
    }, readyMs)
    await promise.finally(() => clearTimeout(timer))
  }

  #spawn(name: string, onReady: () => void, onFailed: (how: string) => void): Child {
    const { file, telemetry } = this.#options
    const isWorker = name !== 'coordinator'
    const { workers } = this.#config
    const child = new Child({
      name,
      args: ['serve', '--as', isWorker ? 'worker' : 'coordinator', '--config', file],
      descriptors: isWorker ? this.#ports.map(({ descriptor }) => descriptor) : [],
      begin: {
        kind: 'begin',
        index: isWorker ? workerNames(workers).indexOf(name) : 0,
        count: isWorker ? workers : 1,
        ports: this.#ports.map(({ address }) => address),
        ticketKeys: this.#ticketKeys,
      },
      onReady,
      onEnded: (ended, how) => this.#onEnded(ended, how, onFailed),
    })
    this.#children.set(name, child)
    this.#running.add(child)
    telemetry.emit({ kind: 'process-started', name, pid: child.pid })
    return child
  }

  #onEnded(child: Child, how: string, onFailed: (how: string) => void): void {
    const { name, pid, isStopping: isExpected, isReady } = child
    this.#running.delete(child)
    this.#options.telemetry.emit({ kind: 'process-ended', name, pid, how, isExpected })
    if (!isReady) {
      onFailed(how)
      return
    }
    const isCurrent = this.#children.get(name) === child
    if (!isExpected && isCurrent) this.#startAgain(child)
  }

  #startAgain({ name, startedMs }: Pick<Child, 'name' | 'startedMs'>): void {
    if (this.#isStopping) return
    const isHealthy = performance.now() - startedMs >= healthyMs
    const pauseMs = isHealthy ? 0 : (this.#pauses.get(name) ?? 0)
    this.#pauses.set(name, Math.min(longestPauseMs, Math.max(firstPauseMs, 2 * pauseMs)))
    setTimeout(() => {
      if (this.#isStopping) return
      const failed = (): void => this.#startAgain({ name, startedMs: performance.now() })
      this.#spawn(name, () => undefined, failed)
    }, pauseMs)
  }

  #renewTicketKeys(): void {
    this.#ticketKeys = newTicketKeys()
    for (const child of this.#running) {
      child.tell({ kind: 'ticket-keys', ticketKeys: this.#ticketKeys })
    }
  }
}

function workerNames(count: number): readonly string[] {
  return Array.from({ length: count }, (_, index) => `worker-${index + 1}`)
}

function bind(place: { readonly address: string; readonly port: number }): BoundPort {
  try {
    return bindPort(place)
  } catch (error) {
    throw cannotListen(place, error)
  }
}

/** RFC 5077 name, secret and integrity keys as OpenSSL takes them: 48 bytes. */
function newTicketKeys(): string {
  return randomBytes(48).toString('base64')
}
