// For measurements that look into one process: they run in one of their own, whose memory tells the truth.

import { execFile } from 'node:child_process'
import path from 'node:path'
import { promisify } from 'node:util'

/** Runs a script of this folder; what it prints is JSON. */
export async function runScript<Result>(name: string, ...args: readonly string[]): Promise<Result> {
  const { stdout } = await promisify(execFile)(
    process.execPath,
    ['--expose-gc', path.join(import.meta.dirname, name), ...args],
    { maxBuffer: 1024 ** 2 },
  )
  return JSON.parse(stdout) as Result
}

/** After everything that can be collected has been. */
export function heapBytes(): number {
  if (gc === undefined) throw new Error('start Node with --expose-gc')
  gc()
  gc()
  return process.memoryUsage().heapUsed
}

/** Of the best of several rounds, so that a pause of the machine does not count. */
export function nanosecondsEach(count: number, work: (index: number) => unknown): number {
  const rounds = Array.from({ length: 10 }, () => {
    const startMs = performance.now()
    for (let index = 0; index < count; index += 1) work(index)
    return ((performance.now() - startMs) * 1e6) / count
  })
  return Math.min(...rounds)
}

export function millisecondsOf(work: () => unknown): number {
  const startMs = performance.now()
  work()
  return performance.now() - startMs
}
