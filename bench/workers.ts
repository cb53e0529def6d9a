// Do two workers carry twice as much as one? `node bench/workers.ts [SHARE] [REPETITIONS]`, as root: each worker
// gets SHARE (default 0.2) of a core, so that generator and sink, on the same machine, are not the limit.

import { startRelay, type TestRelay } from '../test/support/relay.ts'
import { startOwnLoad, type Load } from './load/start-load.ts'
import { startOwnSink } from './load/start-sink.ts'
import { limitCpu } from './support/cpu-quota.ts'
import { loadNow, machineFacts, timeNow } from './support/machine.ts'
import { markdownTable } from './support/markdown.ts'
import { median, pretty, prettyMedian } from './support/numbers.ts'

const share = Number(process.argv[2] ?? 0.2)
const repetitionCount = Number(process.argv[3] ?? 5)
const domain = 'inst.example'
const sessionCount = 60
const warmMailCount = 4000
const mailCount = 1500

const loadBefore = loadNow()
await using load = startOwnLoad()
await using sink = await startOwnSink()
const rates = { one: await ratesOf(1), two: await ratesOf(2) }
const ratio = median(rates.two) / median(rates.one)
process.stdout.write(`${machineFacts()}; ${timeNow()}, load before ${loadBefore}\n`)
process.stdout.write(`each worker has ${share} of a core, ${sessionCount} sessions\n\n`)
process.stdout.write(
  `${markdownTable(
    ['', 'one worker', 'two workers', 'ratio'],
    [['mails/s', prettyMedian(rates.one), prettyMedian(rates.two), pretty(ratio)]],
  )}\n`,
)

async function ratesOf(workers: number): Promise<readonly number[]> {
  await using relay = await startRelay({
    domains: [{ domain, to: `127.0.0.1:${sink.port}` }],
    config: { workers },
  })
  // Compiled code and open connections are there before the clock starts.
  await send(load, relay.port, warmMailCount)
  using groups = new DisposableStack()
  for (const pid of await workerPids(relay)) groups.use(limitCpu(pid, share))
  const found: number[] = []
  for (let repetition = 0; repetition < repetitionCount; repetition += 1) {
    found.push(await send(load, relay.port, mailCount))
  }
  return found
}

/** Mails a second. */
async function send(generator: Load, port: number, count: number): Promise<number> {
  const plan = {
    port,
    domain,
    recipients: 'known',
    recipientCount: 1,
    contentBytes: 4096,
    isPipelining: true,
    isTls: false,
  } as const
  const job = { kind: 'closed', plan, sessionCount, mailCount: count, mailsPerSession: 1 } as const
  const { startMs, endMs, refusedCount, refusal } = await generator.run(job)
  if (refusedCount > 0) throw new Error(refusal)
  return (count * 1000) / (endMs - startMs)
}

async function workerPids(relay: TestRelay): Promise<readonly number[]> {
  const { stdout } = await relay.pforte('status', '--json')
  const { processes } = JSON.parse(stdout) as {
    readonly processes: readonly { readonly name: string; readonly pid: number }[]
  }
  return processes.filter(({ name }) => name.startsWith('worker-')).map(({ pid }) => pid)
}
