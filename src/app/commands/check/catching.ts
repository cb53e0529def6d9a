// `pforte check --catcher`: senders whose returns are caught, in the relay's state folder.

import { systemClock } from '#base/clock.ts'
import { CatcherError, localPartOf, type CatchStore, type RunStart } from '#catcher/catcher.ts'
import type { Catching } from '#compliance/compliance.ts'
import { CommandError, type CommandIo } from '#app/command.ts'
import { loadCommandConfig } from '#app/command-config.ts'
import { openStore } from '#app/start-catcher.ts'
import type { CheckRequest } from './request.ts'

export interface OpenCatching extends Disposable {
  readonly catching: Catching
  /** Where what comes later will be shown. */
  readonly tell: (io: CommandIo) => void
}

/** Throws a CommandError when nothing would be caught. */
export async function openCatching(
  { configFile, target: { host, port }, sendTo, language }: CheckRequest,
  maySend: boolean,
  io: CommandIo,
): Promise<OpenCatching> {
  const { config } = await loadCommandConfig(configFile, io)
  const { domain } = config.catcher
  if (domain === null) {
    throw new CommandError('--catcher needs a domain to catch for: set catcher.domain')
  }
  const store = openStore(config.state)
  const { id, code } = beginRun(store, {
    startedAtMs: systemClock.now(),
    server: `${host}:${port}`,
    mailbox: maySend ? (sendTo ?? '') : '',
  })
  const look = (): NonNullable<ReturnType<typeof store.run>> => {
    const run = store.run(id, systemClock.now())
    if (run === null) throw new CommandError(`run ${id} has gone from the store of the catcher`)
    return run
  }
  return {
    catching: {
      domain,
      run: id,
      code,
      issue: (use) => `${localPartOf(store.issue(id, use, systemClock.now()))}@${domain}`,
      settle: (sender, outcome) => store.settle(tokenOf(sender), outcome),
      look,
    },
    tell: ({ stderr }) => {
      const until = new Date(look().untilMs).toISOString().slice(0, 16).replace('T', ' ')
      stderr(
        language === 'de'
          ? `Was bis ${until} UTC zurückkommt, zeigt: pforte catcher show ${id}\n`
          : `What comes back until ${until} UTC is shown by: pforte catcher show ${id}\n`,
      )
    },
    [Symbol.dispose]: () => store.close(),
  }
}

function beginRun(store: CatchStore, start: RunStart): ReturnType<CatchStore['beginRun']> {
  try {
    if (store.isAlive(start.startedAtMs)) return store.beginRun(start)
  } catch (error) {
    store.close()
    if (!(error instanceof CatcherError)) throw error
    throw new CommandError(error.message, 1, { cause: error })
  }
  store.close()
  throw new CommandError(
    '--catcher: nobody would catch anything; start pforte serve, or pforte catcher serve, with this configuration',
  )
}

function tokenOf(sender: string): string {
  return sender.slice(localPartOf('').length, sender.lastIndexOf('@'))
}
