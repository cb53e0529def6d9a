// What the scenarios with several processes have in common: a relay with two workers, which process is
// which, and sessions with one worker of choice.

import { startRelay, type RelayOptions, type TestRelay } from '../../support/relay.ts'
import { until } from './mail.ts'

export const workers: readonly string[] = ['worker-1', 'worker-2']

/** Listens with all its workers when it resolves. Its disposal ends all its processes. */
export async function startProcesses(options: RelayOptions): Promise<TestRelay> {
  const relay = await startRelay({
    ...options,
    config: { workers: workers.length, ...options.config },
  })
  const dispose = relay[Symbol.asyncDispose]
  const whole: TestRelay = {
    ...relay,
    [Symbol.asyncDispose]: async () => {
      relay.signal('SIGKILL')
      await relay.ended
      for (const pid of runningPids(relay)) process.kill(pid, 'SIGKILL')
      await until(() => runningPids(relay).length === 0)
      await dispose()
    },
  }
  try {
    await untilReady(whole, workers.length)
    return whole
  } catch (error) {
    await whole[Symbol.asyncDispose]()
    throw error
  }
}

/** So many workers have begun to listen since the start. */
export async function untilReady(relay: TestRelay, count: number): Promise<void> {
  const isSmtp = (event: Readonly<Record<string, unknown>>): boolean => event['service'] === 'smtp'
  await until(() => relay.events('listening').filter(isSmtp).length >= count, 20_000)
}

/** Of the youngest process of that name. */
export function pidOf(relay: TestRelay, name: string): number {
  const started = relay.events('process-started').filter((event) => event['process'] === name)
  return Number(started.at(-1)?.['pid'])
}

/** Children of the supervisor, past and present, that run. */
export function runningPids(relay: TestRelay): readonly number[] {
  return relay
    .events('process-started')
    .map(({ pid }) => Number(pid))
    .filter(isRunning)
}

export function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch {
    return false
  }
}

/** While `work` runs, no other worker takes a connection: it is stopped. */
export async function onlyThrough<Value>(
  relay: TestRelay,
  name: string,
  work: () => Promise<Value>,
): Promise<Value> {
  const others = workers.filter((other) => other !== name).map((other) => pidOf(relay, other))
  for (const pid of others) process.kill(pid, 'SIGSTOP')
  try {
    return await work()
  } finally {
    for (const pid of others) process.kill(pid, 'SIGCONT')
  }
}

/** One sample of /metrics, wherever it is by now. */
export async function metric(relay: TestRelay, series: string): Promise<number> {
  const isMetrics = (event: Readonly<Record<string, unknown>>): boolean =>
    event['service'] === 'metrics'
  const port = relay.events('listening').findLast(isMetrics)?.['listenerPort']
  const response = await fetch(`http://127.0.0.1:${Number(port)}/metrics`)
  const line = (await response.text()).split('\n').find((text) => text.startsWith(`${series} `))
  return Number(line?.slice(series.length + 1))
}
