// The whole relay in one process: opens everything in order, reloads what can be reloaded, drains and
// closes in the reverse order. The demo, the tests and a small site run exactly this.

import path from 'node:path'
import { systemClock } from '#base/clock.ts'
import { createTraceIds } from '#base/trace-id.ts'
import type { Config } from '#config/config.ts'
import {
  ContentMemory,
  openIntake,
  prepareContentFolder,
  RelayedLedger,
  type Intake,
  type IntakeOptions,
} from '#intake/intake.ts'
import type { SocketAddress } from '#net/connection.ts'
import { openListener, type Listener } from '#net/listener.ts'
import { openServerTls, type ServerTls } from '#net/server-tls.ts'
import type { MetricsServer, Telemetry } from '#telemetry/telemetry.ts'
import { postmasterOf, sessionRules } from './build.ts'
import { CommandError } from './command.ts'
import { openToolbox, type Toolbox } from './toolbox.ts'

export interface Relay {
  /** Where it really listens, in the order of the configuration. */
  readonly addresses: readonly SocketAddress[]
  readonly metricsAddress: SocketAddress | null
  /** Takes over what of a new configuration can change while running; gives the keys that cannot. */
  readonly reload: (config: Config) => Promise<readonly string[]>
  /** 421 to idle sessions, mails in progress are finished; then everything is closed. */
  readonly stop: () => Promise<void>
}

const certificatePollMs = 5000
/** Header sections beyond this cannot be searched for loops and forged results. */
const maxHeaderBytes = 256 * 1024

/** Rejects with a CommandError that says what cannot be opened; nothing stays open then. */
export async function startRelay(options: {
  readonly config: Config
  readonly telemetry: Telemetry
  readonly version: string
}): Promise<Relay> {
  const { config, telemetry, version } = options
  await using stack = new AsyncDisposableStack()
  const toolbox = stack.use(await openToolbox(config, telemetry.emit))
  const serverTls = stack.adopt(await openTls(config, telemetry), (tls) => tls.close())
  const contentFolder = path.join(config.state, 'incoming')
  await prepareContentFolder(contentFolder)
  const current: { config: Config } = { config }
  const intake = openIntake(
    intakeOptions(current, { toolbox, serverTls, telemetry, contentFolder }),
  )
  telemetry.emit({
    kind: 'started',
    hostname: config.hostname,
    listeners: config.listen,
    version,
  })
  const isDraining = { value: false }
  const metrics = await openMetrics(config, telemetry, () => isDraining.value)
  if (metrics !== null) stack.defer(() => metrics.close())
  const listeners = await openListeners(config, intake, telemetry)
  stack.defer(() => closeAll(listeners))
  const opened = stack.move()
  return {
    addresses: listeners.map((listener) => listener.address),
    metricsAddress: metrics,
    reload: async (next) => {
      await serverTls.reload()
      const needsRestart = changedKeys(current.config, next)
      current.config = { ...current.config, limits: next.limits, postmaster: next.postmaster }
      return needsRestart
    },
    stop: async () => {
      isDraining.value = true
      closeAll(listeners)
      telemetry.emit({ kind: 'draining', sessionCount: intake.sessionCount() })
      await intake.drain(current.config.limits.drainTimeoutMs)
      await opened.disposeAsync()
      telemetry.emit({ kind: 'stopped' })
    },
  }
}

interface Parts {
  readonly toolbox: Toolbox
  readonly serverTls: ServerTls
  readonly telemetry: Telemetry
  readonly contentFolder: string
}

/** Asked anew for each session, so that a reload reaches the next one. */
function intakeOptions(current: { readonly config: Config }, parts: Parts): () => IntakeOptions {
  const { toolbox, serverTls, telemetry, contentFolder } = parts
  const { now, monotonicMs } = systemClock
  const nextTraceId = createTraceIds(now, Math.random)
  const ledger = new RelayedLedger(now)
  const contentMemory = new ContentMemory(current.config.limits.maxTotalContentInMemoryBytes)
  const build = (config: Config): IntakeOptions => ({
    rules: sessionRules(config, serverTls.context() !== null),
    timeouts: {
      commandMs: config.limits.commandTimeoutMs,
      dataMs: config.limits.dataTimeoutMs,
      sessionMs: config.limits.sessionTimeoutMs,
    },
    maxSessionCount: config.limits.maxSessionCount,
    deadlines: toolbox.deadlines,
    tlsContext: serverTls.context,
    monotonicMs,
    emit: telemetry.emit,
    nextTraceId,
    desk: {
      recipientJudge: {
        registry: toolbox.registry,
        recipients: toolbox.recipients,
        hostname: config.hostname,
        postmaster: postmasterOf(config),
        maxMessageBytes: config.limits.maxMessageBytes,
      },
      finish: {
        hostname: config.hostname,
        maxHopCount: config.limits.maxHopCount,
        maxHeaderBytes,
        handoverBudgetMs: config.handover.finalTimeoutMs,
        nextHops: toolbox.nextHops,
        recipients: toolbox.recipients,
        ledger,
        now,
      },
      contentMemory,
      maxContentInMemoryBytes: config.limits.maxContentInMemoryBytes,
      contentFolder,
      monotonicMs,
      emit: telemetry.emit,
    },
  })
  let built = { config: current.config, options: build(current.config) }
  return () => {
    if (built.config !== current.config)
      built = { config: current.config, options: build(current.config) }
    return built.options
  }
}

async function openTls(config: Config, telemetry: Telemetry): Promise<ServerTls> {
  const { emit } = telemetry
  try {
    return await openServerTls({
      files: config.tls.certificates,
      pollMs: certificatePollMs,
      onReloaded: () => emit({ kind: 'certificates-reloaded' }),
      onFailed: (error) => emit({ kind: 'certificates-failed', detail: String(error) }),
    })
  } catch (error) {
    throw new CommandError(`the certificates cannot be used: ${String(error)}`, 2)
  }
}

async function openMetrics(
  config: Config,
  telemetry: Telemetry,
  isDraining: () => boolean,
): Promise<MetricsServer | null> {
  const { listen } = config.metrics
  if (listen === null) return null
  const health = () =>
    isDraining()
      ? ({ kind: 'unavailable', reason: 'draining' } as const)
      : ({ kind: 'ok' } as const)
  const server = await telemetry.serve({ ...listen, health }).catch((error: unknown) => {
    throw cannotListen(listen, error)
  })
  telemetry.emit({ kind: 'listening', listener: server, service: 'metrics' })
  return server
}

async function openListeners(
  config: Config,
  intake: Intake,
  telemetry: Telemetry,
): Promise<readonly Listener[]> {
  const listeners: Listener[] = []
  try {
    for (const { address, port } of config.listen) {
      const listener = await openListener({
        address,
        port,
        onConnection: intake.accept,
        onError: (error) => telemetry.emit({ kind: 'internal-error', session: null, error }),
      }).catch((error: unknown) => {
        throw cannotListen({ address, port }, error)
      })
      listeners.push(listener)
      telemetry.emit({ kind: 'listening', listener: listener.address, service: 'smtp' })
    }
    return listeners
  } catch (error) {
    closeAll(listeners)
    throw error
  }
}

function cannotListen(place: SocketAddress, error: unknown): CommandError {
  const code = error instanceof Error && 'code' in error ? String(error.code) : String(error)
  const hints: Readonly<Record<string, string>> = {
    EADDRINUSE: 'another program listens there; stop it or choose another port',
    EACCES: 'ports below 1024 need CAP_NET_BIND_SERVICE or root',
    EADDRNOTAVAIL: 'this machine does not have that address',
  }
  const hint = hints[code]
  const text = `cannot listen on ${place.address} port ${place.port}: ${code}`
  return new CommandError(hint === undefined ? text : `${text} (${hint})`)
}

function closeAll(listeners: readonly Listener[]): void {
  for (const listener of listeners) listener.close()
}

/** `limits`, `postmaster` and the contents of certificate files can change while running. */
function changedKeys(before: Config, after: Config): readonly string[] {
  const fixed = [
    'hostname',
    'listen',
    'state',
    'tls',
    'verification',
    'handover',
    'dns',
    'log',
    'metrics',
  ] as const
  return fixed.filter((key) => JSON.stringify(before[key]) !== JSON.stringify(after[key]))
}
