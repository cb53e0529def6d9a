// A catcher on loopback with a store of its own, and a run whose senders it knows.

import { systemClock } from '#base/clock.ts'
import {
  localPartOf,
  type CatcherEvent,
  type CatchStore,
  type CaughtRun,
  type TokenUse,
} from '#catcher/catcher.ts'
import { openCatcher } from '#catcher/open-catcher.ts'
import { openCatchStore } from '#catcher/store.ts'
import type { Catching } from '#compliance/compliance.ts'
import { temporaryFolder } from './temporary-folder.ts'

export const probeDomain = 'probe.example.org'

export interface TestCatcher extends AsyncDisposable {
  readonly port: number
  readonly folder: string
  readonly store: CatchStore
  readonly events: readonly CatcherEvent[]
  /** A new run of its own. */
  readonly beginRun: () => Catching
}

/** `now` for its clock: what is older than six days by it is gone. */
export async function startTestCatcher(
  now: () => number = Date.now,
  address = '127.0.0.1',
): Promise<TestCatcher> {
  const folder = await temporaryFolder()
  const store = openCatchStore(folder.path)
  const events: CatcherEvent[] = []
  const catcher = await openCatcher({
    address,
    port: 0,
    hostname: 'catcher.example.org',
    domain: probeDomain,
    store,
    clock: { ...systemClock, now },
    emit: (event) => void events.push(event),
  })
  return {
    port: catcher.address.port,
    folder: folder.path,
    store,
    events,
    beginRun: () => catchingOf(store, now),
    [Symbol.asyncDispose]: async () => {
      catcher.close()
      store.close()
      await folder[Symbol.asyncDispose]()
    },
  }
}

function catchingOf(store: CatchStore, now: () => number): Catching {
  const start = { startedAtMs: now(), server: 'mail.inst.example:25', mailbox: 'anna@inst.example' }
  const { id, code } = store.beginRun(start)
  return {
    domain: probeDomain,
    run: id,
    code,
    issue: (use: TokenUse) => `${localPartOf(store.issue(id, use, now()))}@${probeDomain}`,
    settle: (sender, outcome) => store.settle(tokenOf(sender), outcome),
    look: (): CaughtRun => {
      const run = store.run(id, now())
      if (run === null) throw new Error(`run ${id} is gone`)
      return run
    },
  }
}

export function tokenOf(sender: string): string {
  return sender.slice(2, sender.indexOf('@'))
}
