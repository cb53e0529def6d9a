// The supervisor: opens the ports, starts coordinator and workers, starts them again when they are lost,
// replaces them one after the other on a reload, ends them in order. It touches no mail.

import { randomBytes } from 'node:crypto'
import { mkdir } from 'node:fs/promises'
import type { Config } from '#config/config.ts'
import { connectLink, type LinkClient } from '#link/connect-link.ts'
import { bindPort, type BoundPort } from '#net/bound-port.ts'
import { ticketKeysMs } from '#net/server-tls.ts'
import type { Telemetry } from '#telemetry/telemetry.ts'
import { cannotListen } from '#app/cannot-listen.ts'
import { calls, message, news, toJson, workerName } from './calls.ts'
import { Child, compiledFolder } from './child.ts'
import type { KeptCounters } from './departed-counters.ts'
import { StatusCounter } from './process-status.ts'
import type { ProcessReport } from './relay-status.ts'
import { linkPath } from './shares.ts'
import { Slot } from './slot.ts'

export interface Supervisor {
  /**
   * Has logs and certificates opened again; replaces the processes by ones with that configuration when it
   * is another one. Gives the keys that need a restart. Rejects with a CommandError when a process cannot be
   * started with it: then the configuration before stays in force.
   */
  readonly reload: (config: Config) => Promise<readonly string[]>
  readonly stop: () => Promise<void>
}

export interface SupervisorOptions {
  readonly config: Config
  readonly telemetry: Telemetry
  readonly version: string
}

/** Above the time that a process takes by itself over its end. */
const stopGraceMs = 10_000

/** Rejects with a CommandError when a port or a process cannot be started; nothing is left running then. */
export async function startSupervisor(options: SupervisorOptions): Promise<Supervisor> {
  const supervisor = new ProcessSupervisor(options)
  await supervisor.start()
  return supervisor
}

class ProcessSupervisor implements Supervisor {
  readonly #options: SupervisorOptions
  readonly #ports: BoundPort[] = []
  readonly #coordinator: Slot
  readonly #workers: readonly Slot[]
  readonly #link: LinkClient
  #config: Config
  #ticketKeys = newTicketKeys()
  #keysTimer: NodeJS.Timeout | null = null
  #counters: KeptCounters | null = null

  constructor(options: SupervisorOptions) {
    const { config } = options
    this.#options = options
    this.#config = config
    this.#coordinator = this.#slot('coordinator', null)
    this.#workers = Array.from({ length: config.workers }, (_, index) =>
      this.#slot(`worker-${index + 1}`, index),
    )
    this.#link = connectSupervisor(config, options.telemetry)
  }

  async start(): Promise<void> {
    const { config, telemetry, version } = this.#options
    const { hostname, listen } = config
    telemetry.emit({ kind: 'started', hostname, listeners: listen, version })
    try {
      for (const place of listen) this.#ports.push(bind(place))
      // Node would make it, and the folders above, for everybody to read. What fails is told by a child.
      const folder = { recursive: true, mode: 0o700 } as const
      await mkdir(compiledFolder(config), folder).catch(() => undefined)
      await this.#coordinator.start()
      await Promise.all(this.#workers.map(async (worker) => await worker.start()))
    } catch (error) {
      await this.#end()
      throw error
    }
    this.#keysTimer = setInterval(() => this.#renewTicketKeys(), ticketKeysMs).unref()
  }

  async reload(config: Config): Promise<readonly string[]> {
    const before = this.#config
    const { next, needsRestart } = withOwn(before, config)
    for (const child of this.#children()) child.tell({ kind: 'reopen' })
    if (isSame(before, next)) return needsRestart
    this.#config = next
    const replaced: Slot[] = []
    try {
      for (const slot of this.#concerned(before, next)) {
        await this.#replace(slot)
        replaced.push(slot)
      }
    } catch (error) {
      this.#config = before
      for (const slot of replaced) await this.#replace(slot).catch(() => undefined)
      throw error
    }
    return needsRestart
  }

  async stop(): Promise<void> {
    await this.#end()
    this.#options.telemetry.emit({ kind: 'stopped' })
  }

  async #end(): Promise<void> {
    if (this.#keysTimer !== null) clearInterval(this.#keysTimer)
    // Before the workers close theirs: nobody shall be kept waiting for a relay that ends.
    for (const port of this.#ports) port.close()
    for (const child of this.#coordinator.children) child.tell({ kind: 'draining' })
    await Promise.all(this.#workers.map(async (worker) => await worker.close()))
    await this.#coordinator.close()
    this.#link.close()
  }

  /** The coordinator first: workers that have been replaced find it. */
  #concerned(before: Config, next: Config): readonly Slot[] {
    // What only sessions look at.
    const { limits, load, smtp, policy, greeting, guessing } = before
    const isOnlySessions = isSame(before, {
      ...next,
      limits,
      load,
      smtp,
      policy,
      greeting,
      guessing,
    })
    return isOnlySessions ? this.#workers : [this.#coordinator, ...this.#workers]
  }

  async #replace(slot: Slot): Promise<void> {
    await slot.replace(slot === this.#coordinator ? 'before' : 'after')
  }

  #children(): readonly Child[] {
    return [this.#coordinator, ...this.#workers].flatMap((slot) => slot.children)
  }

  #slot(name: string, index: number | null): Slot {
    return new Slot({
      name,
      graceMs: () =>
        this.#config.limits.drainTimeoutMs + this.#config.delivery.stopTimeoutMs + stopGraceMs,
      spawn: ({ onReady, onEnded }) => {
        const child = this.#spawn(name, index, onReady, onEnded)
        const { pid } = child
        this.#options.telemetry.emit({ kind: 'process-started', name, pid })
        return child
      },
    })
  }

  #spawn(
    name: string,
    index: number | null,
    onReady: () => void,
    onEnded: (child: Child, how: string) => void,
  ): Child {
    return new Child({
      name,
      args: ['serve', '--as', index === null ? 'coordinator' : 'worker'],
      descriptors: index === null ? [] : this.#ports.map(({ descriptor }) => descriptor),
      begin: {
        kind: 'begin',
        config: this.#config,
        index: index ?? 0,
        count: index === null ? 1 : this.#config.workers,
        ports: this.#ports.map(({ address }) => address),
        ticketKeys: this.#ticketKeys,
        counters: index === null ? this.#counters : null,
      },
      onReady,
      onCounters: (counters) => (this.#counters = counters),
      onEnded: (child, how) => {
        const { pid, isStopping, wasKilled } = child
        const kind = isStopping && !wasKilled ? 'process-ended' : 'process-lost'
        this.#options.telemetry.emit({ kind, name, pid, how })
        if (index !== null) this.#link.tell(news.gone, workerName(index, pid))
        onEnded(child, how)
      },
    })
  }

  #renewTicketKeys(): void {
    this.#ticketKeys = newTicketKeys()
    const order = { kind: 'ticket-keys', ticketKeys: this.#ticketKeys } as const
    for (const child of this.#children()) child.tell(order)
  }
}

/** The supervisor answers for itself like any other process. */
function connectSupervisor(config: Config, telemetry: Telemetry): LinkClient {
  const counter = new StatusCounter()
  const report = (): ProcessReport => ({ process: counter.status('supervisor', 0), targets: [] })
  return connectLink({
    path: linkPath(config),
    name: 'supervisor',
    handlers: {
      asked: {
        [calls.metrics]: async () => message(telemetry.metrics.exposition()),
        [calls.status]: async () => message(toJson(report())),
      },
      told: {},
    },
    onUp: () => undefined,
    onDown: () => undefined,
  })
}

/** The ports are the supervisor's own, and where things are is the same for old and new processes. */
function withOwn(
  before: Config,
  after: Config,
): { readonly next: Config; readonly needsRestart: readonly string[] } {
  const { listen, workers, state, log } = before
  const spool = { ...after.spool, folder: before.spool.folder }
  const next = { ...after, listen, workers, state, spool, log }
  const keys = ['listen', 'workers', 'state', 'spool', 'log'] as const
  return { next, needsRestart: keys.filter((key) => !isSame(after[key], next[key])) }
}

function isSame(one: unknown, other: unknown): boolean {
  return JSON.stringify(one) === JSON.stringify(other)
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
