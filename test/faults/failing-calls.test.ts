// Each system call of the spool goes wrong once, or is the last of its process: no space, a failing disk,
// no descriptor, SIGKILL. Who asked hears yes or a SpoolError; what was answered with yes is there
// afterwards, and what was refused never is.

import assert from 'node:assert/strict'
import { mkdir, mkdtemp, rm } from 'node:fs/promises'
import path from 'node:path'
import { describe, test } from 'node:test'
import { inParallel } from '../e2e/support/mail.ts'
import {
  callSites,
  mishaps,
  runWithMishap,
  type CallSite,
  type DriverOptions,
  type Mishap,
} from './support/failing-calls.ts'
import { judgeRun } from './support/judge-run.ts'
import { seededRandom, type Random } from './support/random.ts'
import { plans } from './support/spool-plan.ts'
import { findStrace, skipWithout } from './support/strace-program.ts'
import { workFolder } from './support/work-folder.ts'

const isLong = process.env['PFORTE_TORTURE'] === '1'
const strace = findStrace()
const planName = 'fewSteps'

interface Trial {
  readonly site: CallSite
  readonly mishap: Mishap
}

/** A folder of its own for each run, gone afterwards. */
async function withRun<Value>(
  work: string,
  use: (options: DriverOptions) => Promise<Value>,
): Promise<Value> {
  assert.ok(strace.kind === 'ready')
  const folder = await mkdtemp(path.join(work, 'run-'))
  const state = path.join(folder, 'state')
  await mkdir(state)
  try {
    return await use({ strace, state, planName, logFile: path.join(folder, 'strace.log') })
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

/** What the short form tries each time: the steps at which everything hangs. */
const important: readonly (readonly [mishap: Mishap, name: string, path: string])[] = [
  ['EIO', 'fsync', 'spool/spool.db-wal'],
  ['EIO twice', 'fsync', 'spool/spool.db-wal'],
  ['EIO 3 times', 'fsync', 'spool/spool.db-wal'],
  ['SIGKILL', 'fsync', 'spool/spool.db-wal'],
  ['ENOSPC', 'pwrite64', 'spool/spool.db-wal'],
  ['EIO', 'fdatasync', 'spool/incoming/filed'],
  ['ENOSPC', 'rename', 'spool/incoming/filed'],
  ['EIO', 'fsync', 'spool/content'],
  ['SIGKILL', 'fsync', 'spool/content'],
]

/** One of the last calls of each, when the spool is at work, and some others by chance. */
function shortSelection(trials: readonly Trial[], random: Random): readonly Trial[] {
  const chosen = important.flatMap(([mishap, name, place]) =>
    trials
      .filter(
        (trial) => trial.mishap === mishap && trial.site.name === name && trial.site.path === place,
      )
      .slice(-4)
      .slice(0, 1),
  )
  assert.equal(chosen.length, important.length)
  const others = Array.from({ length: 5 }, () => trials[random.between(0, trials.length - 1)])
  return [...chosen, ...others.filter((trial) => trial !== undefined)]
}

describe('a call goes wrong', { skip: skipWithout(strace) }, () => {
  test('and the spool keeps its word', async (context) => {
    await using work = await workFolder()
    const plan = plans[planName]
    assert.ok(plan)
    const sites = await withRun(work.path, callSites)
    const trials = sites.flatMap((site) =>
      (mishaps[site.name] ?? []).map((mishap) => ({ site, mishap })),
    )
    assert.ok(trials.length > 400, `only ${trials.length} calls that may fail`)
    const random = seededRandom()
    const chosen = isLong ? trials : shortSelection(trials, random)
    const faults: string[] = []
    let missedCount = 0
    await inParallel(chosen, 2, async (trial) => {
      await withRun(work.path, async (options) => {
        const run = await runWithMishap(options, trial.site, trial.mishap)
        if (!run.isHit) missedCount += 1
        faults.push(...(await judgeRun(plan, run, trial, options.state)))
      })
    })
    context.diagnostic(
      `${trials.length} mishaps at ${sites.length} calls, tried ${chosen.length}, ${missedCount} did not come, seed ${random.seed}: ${faults.length} faults`,
    )
    assert.deepEqual(faults, [])
    // Threads take turns, so the last calls of a kind may not come each time.
    assert.ok(missedCount <= Math.max(2, chosen.length * 0.05), `${missedCount} did not come`)
  })
})
