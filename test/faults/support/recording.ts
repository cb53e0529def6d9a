// Records what the driver of a plan does to its folder, in one run or several on the same folder.

import { mkdir } from 'node:fs/promises'
import path from 'node:path'
import { driverCommand } from './failing-calls.ts'
import type { FileOperation } from './file-operations.ts'
import { numbered, plans, type SpoolPlan } from './spool-plan.ts'
import type { StraceProgram } from './strace-program.ts'
import { trace, type TraceResult } from './trace.ts'

export interface RecordedRun {
  readonly planName: string
  /** Of strace: what shall go wrong. */
  readonly expressions?: readonly string[]
  /** Does harm to the folder before the run, and tells what it did; that is durable. */
  readonly harm?: (folder: string) => readonly HarmfulWrite[]
}

export interface HarmfulWrite {
  /** Relative to the folder. */
  readonly path: string
  readonly offset: number
  readonly data: Buffer
}

export interface Recording {
  /** Of all runs, one behind the other. */
  readonly plan: SpoolPlan
  readonly operations: readonly FileOperation[]
  /** How the last run ended. */
  readonly last: TraceResult
}

/** `work` is a folder nobody else uses. The first run begins in an empty one. */
export async function recordRuns(
  strace: Extract<StraceProgram, { kind: 'ready' }>,
  runs: readonly [RecordedRun, ...RecordedRun[]],
  work: string,
): Promise<Recording> {
  const folder = path.join(work, 'state')
  await mkdir(folder)
  let recording: Recording | null = null
  for (const { planName, expressions = [], harm = () => [] } of runs) {
    const before: SpoolPlan = recording?.plan ?? []
    const done = recording?.operations ?? []
    const harmed = [...done, ...asOperations(harm(folder), done.length)]
    const last: TraceResult = await trace({
      strace,
      command: driverCommand(folder, planName, numbered(before).length),
      folder,
      before: harmed,
      logFile: path.join(work, 'strace.log'),
      expressions,
      timeoutMs: 300_000,
    })
    const plan = [...before, ...planOf(planName)]
    recording = { plan, operations: last.operations, last }
  }
  if (recording === null) throw new Error('no runs')
  return recording
}

function asOperations(writes: readonly HarmfulWrite[], position: number): readonly FileOperation[] {
  return writes.flatMap((write, index): readonly FileOperation[] => [
    { kind: 'write', ...write },
    { kind: 'sync', path: write.path, begunAt: position + 2 * index + 1 },
  ])
}

function planOf(name: string): SpoolPlan {
  const plan = plans[name]
  if (plan === undefined) throw new Error(`there is no plan ${name}`)
  return plan
}
