// What the tests of power cuts have in common: record runs, cut the power everywhere, and say what is lost.

import assert from 'node:assert/strict'
import type { DiskOptions } from './disk.ts'
import { faultsOf } from './expectation.ts'
import { cutEverywhere, type PowerCutOptions, type PowerCutReport } from './power-cut.ts'
import { seededRandom } from './random.ts'
import { recordRuns, type RecordedRun, type Recording } from './recording.ts'
import { findStrace, type StraceProgram } from './strace-program.ts'
import { answersOf, wordsOf } from './words.ts'
import { workFolder } from './work-folder.ts'

export const strace: StraceProgram = findStrace()

export async function record(
  ...runs: readonly [RecordedRun, ...RecordedRun[]]
): Promise<Recording> {
  assert.ok(strace.kind === 'ready')
  await using work = await workFolder()
  const recording = await recordRuns(strace, runs, work.path)
  assert.equal(recording.last.stderr, '')
  return recording
}

/** Chance has no part in it, unless `options` say so. */
export async function cut(
  recording: Recording,
  disk: DiskOptions,
  options: Partial<PowerCutOptions> = {},
): Promise<PowerCutReport> {
  await using work = await workFolder()
  const { plan, operations } = recording
  const random = seededRandom(1)
  const judge: PowerCutOptions['judge'] = (said, { entries }) =>
    faultsOf(plan, answersOf(said.flatMap(wordsOf)), entries)
  const chosen = { judge, operations, disk, variantCount: 0, random, workFolder: work.path }
  return await cutEverywhere({ ...chosen, ...options })
}

export function assertNothingLost(report: PowerCutReport): void {
  const lines = report.faults.map(
    ({ moment, variant, kind, detail }) =>
      `after ${moment} operations, surviving ${variant}: ${kind}: ${detail}`,
  )
  assert.deepEqual(lines, [])
}
