// How throughput, CPU time and the rest are measured.

import { setTimeout as pause } from 'node:timers/promises'
import type { Job, LoadResult, MailPlan } from '../load/job.ts'
import type { ProcessTree } from '../support/process-tree.ts'
import type { Scene } from './workload.ts'

type Closed = Extract<Job, { kind: 'closed' }>

/** What a relay needs to get going: connections, answers about recipients, compiled code. */
const firstWarmUpCount = 40
const warmUpSeconds = 2
const patienceMs = 60_000

export interface Throughput {
  readonly mailsPerSecond: number
  readonly cpuMsPerMail: number
}

/** Mails until the next hop has them all, for about `scene.seconds`, after warming up. */
export async function throughput(
  scene: Scene,
  plan: MailPlan,
  sessions: Pick<Closed, 'sessionCount' | 'mailsPerSession'>,
): Promise<Throughput> {
  const run = (mailCount: number): Promise<Throughput> =>
    measured(scene, { kind: 'closed', plan, mailCount, ...sessions })
  const first = await run(firstWarmUpCount)
  const second = await run(countFor(first.mailsPerSecond, warmUpSeconds, sessions.sessionCount))
  return await run(countFor(second.mailsPerSecond, scene.seconds, sessions.sessionCount))
}

/** Whole sessions, and enough of them that beginning and end do not matter. */
function countFor(mailsPerSecond: number, seconds: number, sessionCount: number): number {
  const wanted = Math.max(2 * sessionCount, Math.round(mailsPerSecond * seconds))
  return Math.ceil(wanted / sessionCount) * sessionCount
}

async function measured(scene: Scene, job: Closed): Promise<Throughput> {
  const { sink, tree } = scene
  const before = await sink.state()
  const cpuBefore = tree.cpuSeconds()
  const result = await scene.send(job)
  const arrivedMs = await untilArrived(scene, before.count + result.acceptedCount)
  await untilQuiet(tree)
  const seconds = (Math.max(arrivedMs, result.endMs) - result.startMs) / 1000
  return {
    mailsPerSecond: result.acceptedCount / seconds,
    cpuMsPerMail: ((tree.cpuSeconds() - cpuBefore) * 1000) / result.acceptedCount,
  }
}

/** Accepted only: the next hop is down. */
export async function ingest(scene: Scene, job: Closed): Promise<Throughput> {
  const { tree } = scene
  const cpuBefore = tree.cpuSeconds()
  const result = await scene.send(job)
  await untilQuiet(tree)
  return {
    mailsPerSecond: rateOf(result),
    cpuMsPerMail: ((tree.cpuSeconds() - cpuBefore) * 1000) / result.acceptedCount,
  }
}

export function rateOf({ acceptedCount, startMs, endMs }: LoadResult): number {
  return (acceptedCount * 1000) / (endMs - startMs)
}

/** When the last of them was there. */
export async function untilArrived({ sink }: Scene, count: number): Promise<number> {
  const endMs = performance.now() + patienceMs
  for (;;) {
    const state = await sink.state()
    if (state.count >= count) return state.lastMs
    if (performance.now() > endMs) throw new Error(`${state.count} of ${count} mails arrived`)
    await pause(20)
  }
}

/** Work goes on after the last reply: logs, queues, the ends of processes. */
export async function untilQuiet(tree: ProcessTree): Promise<void> {
  const endMs = performance.now() + 5000
  for (let last = tree.cpuSeconds(); performance.now() < endMs;) {
    await pause(250)
    const now = tree.cpuSeconds()
    if (now - last <= 0.01) return
    last = now
  }
}

/** The most memory `work` makes the relay use above what it used before, in bytes. */
export async function memoryPeak(tree: ProcessTree, work: () => Promise<unknown>): Promise<number> {
  const before = tree.memoryBytes()
  let peak = before
  const timer = setInterval(() => (peak = Math.max(peak, tree.memoryBytes())), 100)
  await work().finally(() => clearInterval(timer))
  return peak - before
}
