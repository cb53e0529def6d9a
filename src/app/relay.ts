// The whole relay in one process: opens everything in order, reloads what can be reloaded, drains and
// closes in the reverse order. The demo, most tests and a small site run exactly this.

import path from 'node:path'
import { systemClock } from '#base/clock.ts'
import type { Config } from '#config/config.ts'
import { MemoryLedgerBook, prepareContentFolder } from '#intake/intake.ts'
import type { SocketAddress } from '#net/connection.ts'
import { incomingFolder } from '#spool/open-spool.ts'
import type { Telemetry } from '#telemetry/telemetry.ts'
import { openBack, openSpoolOf } from './back.ts'
import { changedKeys, withReloaded } from './changed-keys.ts'
import { openFront } from './front.ts'
import { openMetrics } from './open-metrics.ts'
import { beginRehearsal } from './rehearsal/begin-rehearsal.ts'
import { removeLeftOver } from './processes/left-over.ts'
import { StatusCounter } from './processes/process-status.ts'
import { targetsOf } from './processes/relay-status.ts'
import { serveStatus } from './serve-status.ts'
import { startCatcher } from './start-catcher.ts'
import { openToolbox } from './toolbox.ts'
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

/** Whoever asks for the status while the relay ends gets its answer within this time, or none. */
const statusGraceMs = 1000

/** Rejects with a CommandError that says what cannot be opened; nothing stays open then. */
export async function startRelay(options: {
  readonly config: Config
  readonly telemetry: Telemetry
  readonly version: string
}): Promise<Relay> {
  const { config, telemetry, version } = options
  await using stack = new AsyncDisposableStack()
  const current: { config: Config } = { config }
  const wires = new Wires(telemetry)
  const counter = new StatusCounter()
  const spool = stack.adopt(await openSpoolOf(config, telemetry), (opened) => opened.close())
  const toolbox = stack.use(await openToolbox(config, wires.emit))
  const contentFolder = incomingFolder(config.spool.folder)
  await prepareContentFolder(contentFolder)
  await removeLeftOver(contentFolder)
  const { hostname, listen: ports } = config
  telemetry.emit({ kind: 'started', hostname, listeners: ports, version })
  const isDraining = { value: false }
  const metrics = await openMetrics(config, telemetry, {
    health: () => (isDraining.value ? { kind: 'unavailable', reason: 'draining' } : { kind: 'ok' }),
  })
  if (metrics !== null) stack.defer(() => metrics.close())
  const front = stack.adopt(
    await openFront({
      config: () => current.config,
      toolbox,
      spool,
      book: new MemoryLedgerBook(systemClock.now),
      telemetry,
      emit: (event) => {
        counter.count(event)
        wires.emit(event)
      },
      contentFolder,
      share: { index: 0, count: 1 },
      otherSessionCount: () => 0,
      ports,
    }),
    (opened) => opened.close(),
  )
  const back = stack.use(openBack({ config: () => current.config, toolbox, spool, telemetry }))
  const catcher = await startCatcher(config, telemetry)
  if (catcher !== null) stack.use(catcher)
  wires.connect({
    onTargetDown: () => undefined,
    onTargetUp: back.delivery.targetIsUp,
    onHeld: back.alerts.raise,
    onLateRefusal: back.lateRefusals.take,
  })
  const link = await serveStatus(config, spool, back, () => ({
    process: counter.status('relay', front.sessionCount()),
    targets: targetsOf(toolbox.nextHops),
  }))
  stack.defer(async () => await link.close(statusGraceMs))
  const rehearsal = beginRehearsal({
    config,
    folder: path.join(contentFolder, 'rehearsal'),
    isLinked: false,
    isBusy: () => front.sessionCount() > 0,
    telemetry,
  })
  stack.defer(() => rehearsal.end())
  const opened = stack.move()
  return {
    addresses: front.listeners.map((listener) => listener.address),
    metricsAddress: metrics,
    reload: async (next) => {
      await back.recover()
      await front.serverTls.reload()
      front.greeting.reload()
      const needsRestart = changedKeys(current.config, next)
      current.config = withReloaded(current.config, next)
      front.reloadRules()
      return needsRestart
    },
    stop: async () => {
      isDraining.value = true
      await back.rechecks.close()
      await front.drain({ isReplaced: false })
      await opened.disposeAsync()
      telemetry.emit({ kind: 'stopped' })
    },
  }
}
