// The store of the catcher, opened for one command.

import { systemClock } from '#base/clock.ts'
import { CatcherError, type CatchStore } from '#catcher/catcher.ts'
import { CommandError, type CommandIo } from '#app/command.ts'
import { loadCommandConfig } from '#app/command-config.ts'
import { openStore } from '#app/start-catcher.ts'

/** Throws a CommandError when the store cannot be used. */
export async function withCatchStore<Value>(
  configFile: string | undefined,
  io: CommandIo,
  work: (store: CatchStore, nowMs: number) => Value,
): Promise<Value> {
  const { config } = await loadCommandConfig(configFile, io)
  const store = openStore(config.state)
  try {
    return work(store, systemClock.now())
  } catch (error) {
    if (!(error instanceof CatcherError)) throw error
    throw new CommandError(error.message, 1, { cause: error })
  } finally {
    store.close()
  }
}
