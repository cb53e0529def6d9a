// Runs workloads over relays: each measurement with a relay just started, interleaved, so that a slow hour of
// the machine meets all of them.

import { isForSmtpSource, smtpSource, startOwnLoad, type Load } from '../load/start-load.ts'
import { startOwnSink, startSmtpSink, type Sink } from '../load/start-sink.ts'
import type { FoundPeers } from '../peers/find-peers.ts'
import type { Peer, PeerOptions } from '../peers/peer.ts'
import { loadNow, timeNow } from '../support/machine.ts'
import { machineBusySeconds, processTree } from '../support/process-tree.ts'
import type { Workload } from '../workloads/workload.ts'

export interface CompareOptions {
  readonly workloads: readonly Workload[]
  /** The first one is what the others are compared with. */
  readonly peers: readonly [Peer, ...Peer[]]
  readonly tools: FoundPeers['tools']
  readonly certificate: PeerOptions['certificate']
  readonly repetitionCount: number
  readonly seconds: number
  readonly progress: (line: string) => void
}

export type Outcome =
  /** `foreignShare`: of all cores' time, what neither relay nor bench used. */
  | {
      readonly kind: 'measured'
      readonly numbers: Readonly<Record<string, number>>
      readonly foreignShare: number
    }
  | { readonly kind: 'failed'; readonly reason: string }

export interface PeerOutcomes {
  readonly peer: Peer
  /** One a repetition. */
  readonly outcomes: readonly Outcome[]
}

export interface WorkloadOutcomes {
  readonly workload: Workload
  readonly peers: readonly PeerOutcomes[]
  /** Who made the load, and who took it. */
  readonly generator: string
  readonly sink: string
}

export interface Comparison {
  readonly options: CompareOptions
  readonly startedAt: string
  readonly endedAt: string
  /** Before anything was started. */
  readonly loadAtStart: string
  readonly workloads: readonly WorkloadOutcomes[]
}

const domain = 'inst.example'
/** Above it a measurement is made once more, and the quieter one counts. */
const maxForeignShare = 0.15

export async function compare(options: CompareOptions): Promise<Comparison> {
  const [startedAt, loadAtStart] = [timeNow(), loadNow()]
  const results: WorkloadOutcomes[] = []
  for (const workload of options.workloads) results.push(await runWorkload(workload, options))
  return { options, startedAt, endedAt: timeNow(), loadAtStart, workloads: results }
}

async function runWorkload(workload: Workload, options: CompareOptions): Promise<WorkloadOutcomes> {
  const peers = workload.peers ?? options.peers
  const outcomes = new Map<Peer, Outcome[]>(
    peers.filter((peer) => isAble(peer, workload)).map((peer) => [peer, []]),
  )
  const used = { generator: '', sink: '' }
  for (let repetition = 1; repetition <= options.repetitionCount; repetition += 1) {
    for (const [peer, ofPeer] of outcomes) {
      const outcome = await quietest(() => runOnce(workload, peer, options, used))
      ofPeer.push(outcome)
      options.progress(`${workload.name} ${repetition} ${peer.name}: ${describe(outcome)}`)
    }
  }
  return {
    workload,
    ...used,
    peers: [...outcomes].map(([peer, ofPeer]) => ({ peer, outcomes: ofPeer })),
  }
}

function isAble(peer: Peer, { needs }: Workload): boolean {
  return needs.every((ability) => peer.abilities.has(ability))
}

async function quietest(run: () => Promise<Outcome>): Promise<Outcome> {
  const first = await run()
  if (first.kind === 'failed' || first.foreignShare <= maxForeignShare) return first
  const second = await run()
  return second.kind === 'measured' && second.foreignShare < first.foreignShare ? second : first
}

async function runOnce(
  workload: Workload,
  peer: Peer,
  { tools, certificate, seconds }: CompareOptions,
  used: { generator: string; sink: string },
): Promise<Outcome> {
  try {
    await using sink = await startSink(workload, tools)
    await using relay = await peer.start({ domain, targetPort: sink.port, certificate })
    await using own = startOwnLoad()
    const light = tools === null ? null : smtpSource(tools)
    used.sink = sink.name
    const share = foreignShare()
    const numbers = await workload.measure({
      peer,
      relay,
      sink,
      domain,
      seconds,
      tree: processTree(relay.pid),
      send: async (job) => {
        const load: Load =
          light !== null && isForSmtpSource(job) && workload.sink === 'light' ? light : own
        used.generator = load.name
        const result = await load.run(job)
        if (result.refusedCount > 0) throw new Error(result.refusal)
        return result
      },
    })
    return { kind: 'measured', numbers, foreignShare: share() }
  } catch (error) {
    return { kind: 'failed', reason: firstLine(error) }
  }
}

async function startSink({ sink }: Workload, tools: CompareOptions['tools']): Promise<Sink> {
  return sink === 'light' && tools !== null ? await startSmtpSink(tools) : await startOwnSink()
}

/** Counts from now on; what descends from this process, the relay too, is not foreign. */
function foreignShare(): () => number {
  const all = processTree(process.pid)
  const [startMs, busyBefore, ownBefore] = [
    performance.now(),
    machineBusySeconds(),
    all.cpuSeconds(),
  ]
  return () => {
    const busy = machineBusySeconds() - busyBefore
    const own = all.cpuSeconds() - ownBefore
    const available = ((performance.now() - startMs) / 1000) * navigator.hardwareConcurrency
    return Math.max(0, busy - own) / available
  }
}

function describe(outcome: Outcome): string {
  if (outcome.kind === 'failed') return `failed: ${outcome.reason}`
  const numbers = Object.entries(outcome.numbers).map(
    ([key, value]) => `${key} ${value.toFixed(2)}`,
  )
  return `${numbers.join(', ')} (others ${(outcome.foreignShare * 100).toFixed(0)} %)`
}

function firstLine(error: unknown): string {
  return (String(error).split('\n')[0] ?? '').slice(0, 160)
}
