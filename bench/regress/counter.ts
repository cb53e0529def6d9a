// What a mail costs a program: user instructions where the machine counts them, else CPU time.

import { spawn, spawnSync, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { untilQuiet } from '../workloads/measure.ts'
import type { ProcessTree } from '../support/process-tree.ts'

export type Unit = 'instructions' | 'cpu-ratio'

/** What `work` makes the processes of the tree use, until they are quiet again. */
export type Counter = (tree: ProcessTree, work: () => Promise<void>) => Promise<number>

const instructionEvent = 'instructions:u'

/** Virtual machines often have no hardware counters, and containers may not use them. */
export function canCountInstructions(): boolean {
  const { stderr } = spawnSync('perf', ['stat', '-x,', '-e', instructionEvent, 'true'], {
    encoding: 'utf8',
  })
  return Number.isFinite(countOf(stderr ?? '', instructionEvent))
}

/** In CPU seconds. */
export const cpuSeconds: Counter = async (tree, work) => {
  const before = tree.cpuSeconds()
  await work()
  await untilQuiet(tree)
  return tree.cpuSeconds() - before
}

/** Of any event perf-stat(1) can count in a process from outside. */
export function perfEvents(event: string): Counter {
  return async (tree, work) => {
    const args = ['stat', '-x,', '-e', event, '-p', tree.pids().join(',')]
    const perf = spawn('perf', args, { stdio: ['ignore', 'ignore', 'pipe'] })
    const said = collect(perf)
    await new Promise((resolve) => setTimeout(resolve, 300)) // until it has attached itself
    await work()
    await untilQuiet(tree)
    perf.kill('SIGINT')
    const [text] = await Promise.all([said, once(perf, 'exit')])
    const count = countOf(text, event)
    if (!Number.isFinite(count)) throw new Error(`perf counted nothing: ${text}`)
    return count
  }
}

export const instructions: Counter = perfEvents(instructionEvent)

async function collect(perf: ChildProcess): Promise<string> {
  let text = ''
  perf.stderr?.on('data', (chunk: Buffer) => (text += chunk.toString()))
  await once(perf, 'close')
  return text
}

/** Of a line like `1234,,instructions:u,…`; NaN when there is none. */
function countOf(text: string, event: string): number {
  const line = text.split('\n').find((candidate) => candidate.includes(event)) ?? ''
  const first = line.split(',')[0] ?? ''
  return first === '' ? NaN : Number(first)
}
