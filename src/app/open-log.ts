// The log of a program that runs until it is stopped.

import { systemClock } from '#base/clock.ts'
import type { Config } from '#config/config.ts'
import { openTelemetry, TelemetryOpenError, type Telemetry } from '#telemetry/telemetry.ts'
import { CommandError, type CommandIo } from './command.ts'

/** The log has this long to leave at the end. */
const logGraceMs = 2000
/** PIPE_BUF of pipe(7): so much is written as a whole or not at all. */
const pipeBytes = 4096

export interface OpenLog extends AsyncDisposable {
  readonly telemetry: Telemetry
}

/** Throws a CommandError when the file cannot be opened. */
export function openLog(config: Config, io: CommandIo): OpenLog {
  const telemetry = openTelemetryOf(config, io)
  return { telemetry, [Symbol.asyncDispose]: () => telemetry.close(logGraceMs) }
}

function openTelemetryOf(config: Config, io: CommandIo): Telemetry {
  const { format, file } = config.log
  // Lines of several processes are not torn in a pipe, nor in the journal's socket, by each other then.
  const limits = config.workers > 0 && file === null ? { batchBytes: pipeBytes } : {}
  try {
    return openTelemetry({
      log: {
        format,
        target:
          file === null ? { kind: 'descriptor', descriptor: 1 } : { kind: 'file', path: file },
        limits,
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

export function untilAborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve()
    else signal.addEventListener('abort', () => resolve(), { once: true })
  })
}
