// `pforte serve`: runs the relay until it is asked to stop.

import { systemClock } from '#base/clock.ts'
import type { Config } from '#config/config.ts'
import { formatProblem } from '#config/loaded-config.ts'
import { loadConfig } from '#config/load-config.ts'
import { openTelemetry, TelemetryOpenError, type Telemetry } from '#telemetry/telemetry.ts'
import {
  CommandError,
  parseArguments,
  UsageError,
  type Command,
  type CommandIo,
} from '#app/command.ts'
import { configOption, configOptionUsage, loadCommandConfig } from '#app/command-config.ts'
import { runCoordinator } from '#app/processes/coordinator.ts'
import { startSupervisor } from '#app/processes/supervisor.ts'
import { runWorker } from '#app/processes/worker.ts'
import { startRelay, type Relay } from '#app/relay.ts'
import { packageVersion } from '#app/version.ts'

const usage = `Usage: pforte serve [--config FILE]

Runs the relay in the foreground until SIGTERM or SIGINT: then idle sessions get
421, mails in progress are finished, and the program ends. SIGHUP reads the
configuration and the certificates again and reopens the log file.

${configOptionUsage}`

/** The log has this long to leave at the end. */
const logGraceMs = 2000

export const serveCommand: Command = {
  summary: 'run the relay',
  usage,
  run: async (args, io) => {
    const { values } = parseArguments(args, {
      // `as` is for the supervisor: which part of the relay to be.
      options: { ...configOption, as: { type: 'string' } },
    })
    const { config, file } = await loadCommandConfig(values.config, io)
    const telemetry = openLog(config, io)
    try {
      if (values.as !== undefined) return await runPart(values.as, { config, telemetry, io })
      const options = { config, file, telemetry, version: packageVersion() }
      const relay =
        config.workers === 0 ? await startRelay(options) : await startSupervisor(options)
      const onHangup = (): void => void reload(relay, file, telemetry, io)
      process.on('SIGHUP', onHangup)
      await untilAborted(io.signal)
      process.removeListener('SIGHUP', onHangup)
      await relay.stop()
      return 0
    } finally {
      await telemetry.close(logGraceMs)
    }
  },
}

async function runPart(
  part: string,
  { config, telemetry, io }: { config: Config; telemetry: Telemetry; io: CommandIo },
): Promise<number> {
  process.on('SIGHUP', () => telemetry.reopen())
  if (part === 'coordinator') await runCoordinator({ config, telemetry })
  else if (part === 'worker') await runWorker({ config, telemetry, signal: io.signal })
  else throw new UsageError('--as: coordinator or worker, and only by the supervisor')
  // The channel to the supervisor would keep it alive.
  if (process.connected) process.disconnect?.()
  return 0
}

function openLog(config: Config, io: CommandIo): Telemetry {
  const { format, file } = config.log
  try {
    return openTelemetry({
      log: {
        format,
        target:
          file === null ? { kind: 'descriptor', descriptor: 1 } : { kind: 'file', path: file },
      },
      clock: systemClock,
      isTerminal: file === null && io.isTerminal,
      isColoured: file === null && io.isTerminal && (io.environment['NO_COLOR'] ?? '') === '',
    })
  } catch (error) {
    if (error instanceof TelemetryOpenError)
      throw new CommandError(error.message, 1, { cause: error })
    throw error
  }
}

/** What cannot be used leaves everything as it was, and is said. */
async function reload(
  relay: Pick<Relay, 'reload'>,
  file: string,
  telemetry: Telemetry,
  io: CommandIo,
): Promise<void> {
  telemetry.reopen()
  const loaded = loadConfig({ file, environment: io.environment })
  if (!loaded.ok) {
    const problems = loaded.problem.map(formatProblem)
    telemetry.emit({ kind: 'config-reload-failed', problems })
    return
  }
  try {
    const needsRestart = await relay.reload(loaded.value.config)
    telemetry.emit({ kind: 'config-reloaded', needsRestart })
  } catch (error) {
    telemetry.emit({ kind: 'certificates-failed', detail: String(error) })
  }
}

function untilAborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve()
    else signal.addEventListener('abort', () => resolve(), { once: true })
  })
}
