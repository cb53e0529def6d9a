// The catcher, where the configuration wants one: in the relay, or as a program of its own.

import { existsSync } from 'node:fs'
import path from 'node:path'
import { systemClock } from '#base/clock.ts'
import { CatcherError, type CatchStore } from '#catcher/catcher.ts'
import { openCatcher } from '#catcher/open-catcher.ts'
import { catcherFileName, openCatchStore } from '#catcher/store.ts'
import type { Config } from '#config/config.ts'
import type { SocketAddress } from '#net/connection.ts'
import type { Telemetry } from '#telemetry/telemetry.ts'
import { cannotListen } from './cannot-listen.ts'
import { CommandError } from './command.ts'

export interface RunningCatcher extends Disposable {
  readonly address: SocketAddress
}

/**
 * Null: the configuration wants none; what an earlier one has caught goes when it is old enough. Rejects with a
 * CommandError when port or store cannot be opened.
 */
export async function startCatcher(
  { catcher: { domain, listen }, hostname, state }: Config,
  telemetry: Pick<Telemetry, 'emit'>,
): Promise<RunningCatcher | null> {
  if (domain === null) {
    purgeLeftOver(state, telemetry)
    return null
  }
  const store = openStore(state)
  try {
    const catcher = await openCatcher({
      ...listen,
      hostname,
      domain,
      store,
      clock: systemClock,
      emit: (event) => telemetry.emit(event),
    })
    telemetry.emit({ kind: 'listening', listener: catcher.address, service: 'catcher' })
    return {
      address: catcher.address,
      [Symbol.dispose]: () => {
        catcher.close()
        store.close()
      },
    }
  } catch (error) {
    store.close()
    throw cannotListen(listen, error)
  }
}

/** Nothing that cannot be done there keeps a relay from starting. */
function purgeLeftOver(state: string, telemetry: Pick<Telemetry, 'emit'>): void {
  if (!existsSync(path.join(state, catcherFileName))) return
  try {
    openStore(state).close()
  } catch (error) {
    if (!(error instanceof CommandError)) throw error
    telemetry.emit({ kind: 'catcher-failed', error: error.message })
  }
}

/** What is older than six days goes at once: no catcher may be running to do it. Throws a CommandError. */
export function openStore(state: string): CatchStore {
  try {
    const store = openCatchStore(state)
    try {
      store.purge(systemClock.now())
    } catch (error) {
      store.close()
      throw error
    }
    return store
  } catch (error) {
    if (!(error instanceof CatcherError)) throw error
    throw new CommandError(error.message, 1, { cause: error })
  }
}
