// What open sessions that say nothing cost: memory each, and what they take from the others.

import { setTimeout as pause } from 'node:timers/promises'
import { startOwnLoad } from '../load/start-load.ts'
import { startOwnSink } from '../load/start-sink.ts'
import type { MailPlan } from '../load/job.ts'
import { pforte } from '../peers/pforte.ts'
import type { PeerOptions } from '../peers/peer.ts'
import { median, pretty, quantile } from '../support/numbers.ts'
import { processTree } from '../support/process-tree.ts'
import { untilQuiet } from '../workloads/measure.ts'
import { keepConstants } from './constants.ts'
import { section, type Section } from './section.ts'

export interface IdleOptions {
  readonly certificate: PeerOptions['certificate']
  readonly counts: readonly number[]
  /** Seconds of each look. */
  readonly seconds: number
  readonly progress: (line: string) => void
  readonly when: () => string
}

const domain = 'inst.example'
const perSecond = 20

export async function measureIdleSessions(options: IdleOptions): Promise<Section> {
  await using sink = await startOwnSink()
  // The kernel does not share sessions out evenly, and each worker has its part of the limit.
  const peer = pforte('auto', { maxSessions: 30_000 })
  const { certificate, seconds } = options
  await using relay = await peer.start({ domain, targetPort: sink.port, certificate })
  await using idleLoad = startOwnLoad()
  await using load = startOwnLoad()
  const tree = processTree(relay.pid)
  const plan: MailPlan = {
    port: relay.port,
    domain,
    recipients: 'known',
    recipientCount: 1,
    contentBytes: 4096,
    isPipelining: true,
    isTls: false,
  }
  const warm = { kind: 'closed', plan, sessionCount: 20, mailsPerSession: 20 } as const
  await load.run({ ...warm, mailCount: 4000 })
  await idleLoad.run({ kind: 'hold', port: relay.port, sessionCount: 500 })
  await idleLoad.run({ kind: 'release' })
  await untilQuiet(tree)
  const before = tree.memoryBytes()
  let openCount = 0
  const rows: (readonly string[])[] = []
  for (const count of [0, ...options.counts]) {
    const sessionCount = count - openCount
    const { acceptedCount } = await idleLoad.run({ kind: 'hold', port: relay.port, sessionCount })
    openCount += acceptedCount
    await pause(2000)
    const bytes = (tree.memoryBytes() - before) / openCount
    const cpuBefore = tree.cpuSeconds()
    await pause(seconds * 1000)
    const cpuShare = (tree.cpuSeconds() - cpuBefore) / seconds
    const mailCount = perSecond * seconds
    const { latenciesMs } = await load.run({ kind: 'open', plan, mailCount, perSecond })
    if (count > 0) keepConstants({ idleSessionBytes: bytes })
    rows.push([
      openCount.toLocaleString('en'),
      count === 0 ? '–' : pretty(bytes / 1024),
      `${pretty(cpuShare * 100)} %`,
      pretty(median(latenciesMs)),
      pretty(quantile(latenciesMs, 0.99)),
    ])
    options.progress(`${openCount} idle sessions: ${pretty(bytes / 1024)} KiB each`)
  }
  await idleLoad.run({ kind: 'release' })
  const head = [
    'open sessions',
    'KiB each',
    'of one core, idle',
    'a mail beside them, median ms',
    '99 % below ms',
  ]
  return section('sessions', options.when(), head, rows)
}
