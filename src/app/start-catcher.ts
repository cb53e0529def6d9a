// The catcher, where the configuration wants one: in the relay, or as a program of its own.

import { systemClock } from '#base/clock.ts'
import { CatcherError, type CatchStore } from '#catcher/catcher.ts'
import { openCatcher } from '#catcher/open-catcher.ts'
import { openCatchStore } from '#catcher/store.ts'
import type { Config } from '#config/config.ts'
import type { SocketAddress } from '#net/connection.ts'
import type { Telemetry } from '#telemetry/telemetry.ts'
import { cannotListen } from './cannot-listen.ts'
import { CommandError } from './command.ts'

export interface RunningCatcher extends Disposable {
  readonly address: SocketAddress
}

/** Null: the configuration wants none. Rejects with a CommandError when port or store cannot be opened. */
export async function startCatcher(
  { catcher: { domain, listen }, hostname, state }: Config,
  telemetry: Pick<Telemetry, 'emit'>,
): Promise<RunningCatcher | null> {
  if (domain === null) return null
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

/** Throws a CommandError. */
export function openStore(state: string): CatchStore {
  try {
    return openCatchStore(state)
  } catch (error) {
    if (!(error instanceof CatcherError)) throw error
    throw new CommandError(error.message, 1, { cause: error })
  }
}
