// `pforte serve`: runs the relay until it is asked to stop.

import type { Config } from '#config/config.ts'
import { formatProblem } from '#config/loaded-config.ts'
import { loadConfig } from '#config/load-config.ts'
import type { Telemetry } from '#telemetry/telemetry.ts'
import {
  CommandError,
  parseArguments,
  UsageError,
  type Command,
  type CommandIo,
} from '#app/command.ts'
import { configOption, configOptionUsage, loadCommandConfig } from '#app/command-config.ts'
import { runCoordinator } from '#app/processes/coordinator.ts'
import { openLog, untilAborted } from '#app/open-log.ts'
import { connectParent } from '#app/processes/parent.ts'
import { startSupervisor } from '#app/processes/supervisor.ts'
import { runWorker } from '#app/processes/worker.ts'
import { startRelay, type Relay } from '#app/relay.ts'
import { packageVersion } from '#app/version.ts'

const usage = `Usage: pforte serve [--config FILE]

Runs the relay in the foreground until SIGTERM or SIGINT: then idle sessions get
421, mails in progress are finished, and the program ends. SIGHUP reads the
configuration and the certificates again and reopens the log file.
pforte status shows what it does.

${configOptionUsage}`

export const serveCommand: Command = {
  summary: 'run the relay',
  usage,
  run: async (args, io) => {
    const { values } = parseArguments(args, {
      // `as` is for the supervisor: which part of the relay to be.
      options: { ...configOption, as: { type: 'string' } },
    })
    if (values.as !== undefined) return await runPart(values.as, io)
    const { config, file } = await loadCommandConfig(values.config, io)
    await using log = openLog(config, io)
    await runRelay(config, file, log.telemetry, io)
    return 0
  },
}

async function runRelay(
  config: Config,
  file: string,
  telemetry: Telemetry,
  io: CommandIo,
): Promise<void> {
  let turn = Promise.resolve()
  let relay: Pick<Relay, 'reload' | 'stop'> | null = null
  // One after the other. During the start it has nothing to do, but must not end the program either.
  const onHangup = (): void => {
    const running = relay
    if (running !== null) turn = turn.then(() => reload(running, file, telemetry, io))
  }
  process.on('SIGHUP', onHangup)
  const options = { config, telemetry, version: packageVersion() }
  relay = config.workers === 0 ? await startRelay(options) : await startSupervisor(options)
  await untilAborted(io.signal)
  process.removeListener('SIGHUP', onHangup)
  process.on('SIGHUP', () => telemetry.reopen())
  await relay.stop()
}

/** A part of a relay of several processes, started by its supervisor, which has the configuration. */
async function runPart(part: string, io: CommandIo): Promise<number> {
  if ((part !== 'coordinator' && part !== 'worker') || !process.connected) {
    throw new UsageError('--as is for the parts of a relay that pforte serve starts itself')
  }
  const parent = await connectParent()
  const log = openLog(parent.begin.config, io)
  const { telemetry } = log
  try {
    process.on('SIGHUP', () => telemetry.reopen())
    parent.take({ reopen: () => telemetry.reopen() })
    if (part === 'coordinator') await runCoordinator({ parent, telemetry })
    else await runWorker({ parent, telemetry, signal: io.signal })
    return 0
  } finally {
    await log[Symbol.asyncDispose]()
    // The channel to the supervisor would keep it alive.
    if (process.connected) process.disconnect?.()
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
    if (io.signal.aborted) return // the end of the relay has come between
    if (error instanceof CommandError) {
      telemetry.emit({ kind: 'config-reload-failed', problems: [error.message] })
    } else telemetry.emit({ kind: 'certificates-failed', detail: String(error) })
  }
}
