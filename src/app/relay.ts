// The whole relay in one process: opens everything in order, reloads what can be reloaded, drains and
// closes in the reverse order. The demo, the tests and a small site run exactly this.

import { openAlerts, usualAlertTimes, type Alerts } from '#alert/alert.ts'
import { systemClock } from '#base/clock.ts'
import { createTraceIds } from '#base/trace-id.ts'
import type { Config } from '#config/config.ts'
import {
  ContentMemory,
  openIntake,
  prepareContentFolder,
  MemoryLedgerBook,
  RelayedLedger,
  type Intake,
  type IntakeOptions,
} from '#intake/intake.ts'
import { firstAttemptMs, longestDelayMs, openDelivery } from '#delivery/delivery.ts'
import type { SocketAddress } from '#net/connection.ts'
import { openListener, type Listener } from '#net/listener.ts'
import { openServerTls, type ServerTls } from '#net/server-tls.ts'
import { incomingFolder, openSpool } from '#spool/open-spool.ts'
import { SpoolError, type Spool } from '#spool/spool.ts'
import type { MetricsServer, PforteEvent, Telemetry } from '#telemetry/telemetry.ts'
import { deliveryOptions, postmasterOf, sessionRules } from './build.ts'
import { CommandError } from './command.ts'
import { openToolbox, type Toolbox } from './toolbox.ts'
import { Wires } from './wires.ts'

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
/** What people have not been told by then is in the log. */
const alertGraceMs = 2000
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
  const current: { config: Config } = { config }
  const spool = stack.adopt(await openSpoolOf(config, telemetry), (opened) => opened.close())
  const wires = new Wires(telemetry)
  const toolbox = stack.use(await openToolbox(config, wires.emit))
  const alerts = stack.adopt(openAlertsOf(current, toolbox, telemetry), (opened) =>
    opened.close(alertGraceMs),
  )
  const serverTls = stack.adopt(await openTls(config, telemetry), (tls) => tls.close())
  const contentFolder = incomingFolder(config.spool.folder)
  await prepareContentFolder(contentFolder)
  const intake = openIntake(
    intakeOptions(current, { toolbox, serverTls, spool, emit: wires.emit, contentFolder }),
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
  const delivery = openDelivery(
    deliveryOptions(config, { ...toolbox, spool, raise: alerts.raise, emit: telemetry.emit }),
  )
  wires.connect(delivery, alerts)
  stack.defer(() => delivery.close(config.delivery.stopTimeoutMs))
  const recovery = setInterval(() => void recover(spool), config.delivery.recoverEveryMs)
  stack.defer(() => clearInterval(recovery))
  const opened = stack.move()
  return {
    addresses: listeners.map((listener) => listener.address),
    metricsAddress: metrics,
    reload: async (next) => {
      await serverTls.reload()
      await recover(spool)
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

/** Opens a stopped spool again; while that is not possible, its state says why. */
async function recover(spool: Spool): Promise<void> {
  if (spool.state().kind === 'stopped') await spool.recover().catch(() => undefined)
}

interface Parts {
  readonly toolbox: Toolbox
  readonly serverTls: ServerTls
  readonly spool: Spool
  readonly emit: (event: PforteEvent) => void
  readonly contentFolder: string
}

/** Asked anew for each session, so that a reload reaches the next one. */
function intakeOptions(current: { readonly config: Config }, parts: Parts): () => IntakeOptions {
  const { toolbox, serverTls, spool, emit, contentFolder } = parts
  const { now, monotonicMs } = systemClock
  const nextTraceId = createTraceIds(now, Math.random)
  const ledger = new RelayedLedger(new MemoryLedgerBook(now))
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
    emit,
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
        spool,
        firstAttemptMs: () => firstAttemptMs(config.delivery, now(), Math.random),
        now,
      },
      contentMemory,
      maxContentInMemoryBytes: config.limits.maxContentInMemoryBytes,
      contentFolder,
      monotonicMs,
      emit,
    },
  })
  let built = { config: current.config, options: build(current.config) }
  return () => {
    if (built.config !== current.config)
      built = { config: current.config, options: build(current.config) }
    return built.options
  }
}

async function openSpoolOf(config: Config, telemetry: Telemetry): Promise<Spool> {
  try {
    return await openSpool({
      ...config.spool,
      maxDelayMs: longestDelayMs(config.delivery),
      clock: systemClock,
      emit: telemetry.emit,
    })
  } catch (error) {
    if (!(error instanceof SpoolError)) throw error
    throw new CommandError(error.message)
  }
}

function openAlertsOf(
  current: { readonly config: Config },
  { registry, nextHops }: Toolbox,
  telemetry: Telemetry,
): Alerts {
  const { hostname, alerts } = current.config
  return openAlerts({
    ...alerts,
    hostname,
    postmaster: () => postmasterOf(current.config),
    times: usualAlertTimes,
    registry,
    nextHops,
    clock: systemClock,
    random: Math.random,
    emit: telemetry.emit,
  })
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
    'spool',
    'delivery',
    'alerts',
    'dns',
    'log',
    'metrics',
  ] as const
  return fixed.filter((key) => JSON.stringify(before[key]) !== JSON.stringify(after[key]))
}
