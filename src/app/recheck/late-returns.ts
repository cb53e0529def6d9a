// What the catcher has caught of the run that a profile was saved of, since then.

import { existsSync } from 'node:fs'
import path from 'node:path'
import { CatcherError, keptMs, type CaughtRun } from '#catcher/catcher.ts'
import type { SavedProfile } from '#compliance/profile-store.ts'
import type { RecheckState } from '#compliance/recheck.ts'

/** As it was, unless something has come back. Never rejects: what the store cannot tell the catcher says. */
export async function withReturnsOf(
  folder: string,
  saved: SavedProfile,
  state: RecheckState,
  nowMs: number,
): Promise<RecheckState> {
  const { run } = saved
  if (run === undefined || run === null || nowMs - saved.measuredAtMs > keptMs) return state
  const caught = await caughtRun(folder, run, nowMs)
  if (caught === null) return state
  const { withLateReturns } = await import('#compliance/returns/late-verdicts.ts')
  return withLateReturns(state, caught, nowMs)
}

async function caughtRun(folder: string, run: string, nowMs: number): Promise<CaughtRun | null> {
  const { catcherFileName, openCatchStore } = await import('#catcher/store.ts')
  if (!existsSync(path.join(folder, catcherFileName))) return null
  try {
    const store = openCatchStore(folder)
    try {
      return store.run(run, nowMs)
    } finally {
      store.close()
    }
  } catch (error) {
    if (error instanceof CatcherError) return null
    throw error
  }
}
