// What every queue command does first and last: read the configuration, open the spool, close it; and
// how the spool's errors are told to people.

import { systemClock } from '#base/clock.ts'
import type { Config } from '#config/config.ts'
import { openSpoolTools } from '#spool/open-spool-tools.ts'
import { SpoolError } from '#spool/spool.ts'
import type { SpoolTools } from '#spool/spool-tools.ts'
import { CommandError, type CommandIo } from '#app/command.ts'
import { configOption, loadCommandConfig } from '#app/command-config.ts'

export const commonOptions: typeof configOption & {
  readonly json: { readonly type: 'boolean' }
} = { ...configOption, json: { type: 'boolean' } }

export interface Queue {
  readonly tools: SpoolTools
  /** Of the spool. */
  readonly folder: string
  readonly config: Config
  readonly nowMs: number
}

/** Opens the spool for one command; the relay may run or not. `configFile`: the value of `--config`. */
export async function withQueue<Value>(
  configFile: string | undefined,
  io: CommandIo,
  work: (queue: Queue) => Value | Promise<Value>,
): Promise<Value> {
  const { config } = await loadCommandConfig(configFile, io)
  const { folder } = config.spool
  let tools: SpoolTools | undefined
  try {
    tools = openSpoolTools({ folder })
    return await work({ tools, folder, config, nowMs: systemClock.now() })
  } catch (error) {
    if (!(error instanceof SpoolError)) throw error
    const help = advice[error.kind]
    const text = help === undefined ? error.message : `${error.message}; ${help}`
    throw new CommandError(text, 1, { cause: error })
  } finally {
    tools?.close()
  }
}

const advice: Readonly<Partial<Record<SpoolError['kind'], string>>> = {
  io: 'run the command as the user of the relay or as root, and look whether the disk is well',
  full: 'make room on the disk of the spool and try again',
  damaged:
    'copy the folder before you do anything; the relay sets a damaged spool aside at its start',
}
