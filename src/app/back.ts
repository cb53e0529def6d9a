// The half of the relay that clients do not see: spool, delivery, alerts. It runs in one process with the
// other half, or in the coordinator.

import { openAlerts, usualAlertTimes, type Alerts } from '#alert/alert.ts'
import { systemClock } from '#base/clock.ts'
import type { Config } from '#config/config.ts'
import { longestDelayMs, openDelivery, type Delivery } from '#delivery/delivery.ts'
import { openSpool } from '#spool/open-spool.ts'
import { SpoolError, type Spool } from '#spool/spool.ts'
import type { Telemetry } from '#telemetry/telemetry.ts'
import { deliveryOptions, isPinned, postmasterOf } from './build.ts'
import { CommandError } from './command.ts'
import { openLateRefusals, type LateRefusals } from './late-refusals/open-late-refusals.ts'
import { openRechecks, type Rechecks } from './recheck/open-rechecks.ts'
import type { Toolbox } from './toolbox.ts'

export interface Back extends AsyncDisposable {
  /** Opens a stopped spool again; while that is not possible, its state says why. */
  readonly recover: () => Promise<void>
  readonly delivery: Delivery
  readonly alerts: Alerts
  readonly rechecks: Rechecks
  readonly lateRefusals: LateRefusals
}

/** What people have not been told by then is in the log. */
const alertGraceMs = 2000

/** Rejects with a CommandError: another relay owns the spool, or it cannot be opened. */
export async function openSpoolOf(config: Config, telemetry: Telemetry): Promise<Spool> {
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

/** Begins to deliver at once. Disposed of before toolbox and spool. */
export function openBack(options: {
  readonly config: () => Config
  readonly toolbox: Toolbox
  readonly spool: Spool
  readonly telemetry: Telemetry
}): Back {
  const { config, toolbox, spool, telemetry } = options
  const alerts = openAlertsOf(config, toolbox, telemetry)
  const { emit } = telemetry
  const onFault = (doing: string, cause: unknown): void =>
    emit({ kind: 'internal-error', session: null, error: new Error(doing, { cause }) })
  const lateRefusals = openLateRefusals({
    folder: config().state,
    registry: toolbox.registry,
    isPinned: isPinned(toolbox.recipients),
    clock: systemClock,
    raise: alerts.raise,
    emit,
    onFault,
  })
  const delivery = openDelivery(
    deliveryOptions(config(), {
      ...toolbox,
      spool,
      raise: alerts.raise,
      emit: (event) => {
        emit(event)
        if (event.kind === 'late-refusal') lateRefusals.take(event)
      },
    }),
  )
  const rechecks = openRechecks({
    ...toolbox,
    config: config(),
    clock: systemClock,
    random: Math.random,
    raise: alerts.raise,
    emit,
    onFault,
  })
  const recover = async (): Promise<void> => {
    if (spool.state().kind === 'stopped') await spool.recover().catch(() => undefined)
  }
  const timer = setInterval(() => void recover(), config().delivery.recoverEveryMs)
  return {
    recover,
    delivery,
    alerts,
    rechecks,
    lateRefusals,
    [Symbol.asyncDispose]: async () => {
      clearInterval(timer)
      await rechecks.close()
      await delivery.close(config().delivery.stopTimeoutMs)
      await lateRefusals.close()
      await alerts.close(alertGraceMs)
    },
  }
}

function openAlertsOf(
  config: () => Config,
  { registry, nextHops }: Toolbox,
  telemetry: Telemetry,
): Alerts {
  const { hostname, alerts } = config()
  return openAlerts({
    ...alerts,
    hostname,
    postmaster: () => postmasterOf(config()),
    times: usualAlertTimes,
    registry,
    nextHops,
    clock: systemClock,
    random: Math.random,
    emit: telemetry.emit,
  })
}
