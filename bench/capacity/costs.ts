// What a mail costs one node, by size, recipients and kind of session; measured through the whole relay.

import { startOwnLoad, type Load } from '../load/start-load.ts'
import { startOwnSink } from '../load/start-sink.ts'
import type { MailPlan } from '../load/job.ts'
import { pforte } from '../peers/pforte.ts'
import type { PeerOptions } from '../peers/peer.ts'
import { median, pretty, prettyMedian } from '../support/numbers.ts'
import { processTree } from '../support/process-tree.ts'
import { ingest, untilQuiet } from '../workloads/measure.ts'
import { planFor, type Scene } from '../workloads/workload.ts'
import { keepConstants } from './constants.ts'
import { section, type Section } from './section.ts'

export interface CostOptions {
  readonly certificate: PeerOptions['certificate']
  readonly repetitionCount: number
  /** 1: as many mails as good numbers need. */
  readonly scale: number
  readonly progress: (line: string) => void
  /** When and on what, for the document. */
  readonly when: () => string
}

const domain = 'inst.example'
const mebibyte = 1024 ** 2
const sizes = [
  { title: '1 KiB', bytes: 1024, count: 4000 },
  { title: '4 KiB', bytes: 4096, count: 4000 },
  { title: '16 KiB', bytes: 16_384, count: 3000 },
  { title: '64 KiB', bytes: 65_536, count: 2000 },
  { title: '256 KiB', bytes: 250_000, count: 800 },
  { title: '1 MiB', bytes: mebibyte, count: 240 },
  { title: '10 MiB', bytes: 10 * mebibyte, count: 40 },
  { title: '50 MiB', bytes: 52_000_000, count: 12 },
] as const
const recipientCounts = [1, 2, 10, 50, 100] as const

interface Cost {
  readonly cpuMs: number
  readonly perSecond: number
}

export async function measureCosts(options: CostOptions): Promise<readonly Section[]> {
  await using sink = await startOwnSink()
  const { certificate } = options
  await using relay = await pforte().start({ domain, targetPort: sink.port, certificate })
  await using load = startOwnLoad()
  const scene = sceneOf({ relay, sink, load })
  await costOf(scene, planFor(scene), 20, 500, Math.ceil(4000 * options.scale)) // compiles and connects
  const baseBytes = scene.tree.memoryBytes()
  const bySize = await repeated(options, sizes, async ({ bytes, count }) => {
    const sessionCount = bytes < mebibyte ? 20 : 4
    const plan = planFor(scene, { contentBytes: bytes, isPipelining: true })
    return await costOf(scene, plan, sessionCount, 100, Math.ceil(count * options.scale))
  })
  const byRecipients = await repeated(options, recipientCounts, async (recipientCount) => {
    const plan = planFor(scene, { recipientCount, isPipelining: true })
    const count = Math.ceil((4000 * options.scale) / Math.sqrt(recipientCount))
    return await costOf(scene, plan, 20, 100, count)
  })
  const kinds = kindsOf(scene)
  const byKind = await repeated(options, kinds, async ({ plan, mailsPerSession }) =>
    costOf(scene, plan, 20, mailsPerSession, Math.ceil(2000 * options.scale)),
  )
  const spool = await spoolCost(options)
  const when = options.when()
  keepConstants({ ...constantsFrom(bySize, byRecipients, byKind), ...spool.constants, baseBytes })
  return [
    section(
      'sizes',
      when,
      ['content', 'CPU ms a mail', 'mails/s', 'MiB/s'],
      sizes.map(({ title, bytes }, index) => {
        const costs = bySize[index] ?? []
        const perSecond = median(costs.map((cost) => cost.perSecond))
        return [
          title,
          prettyMedian(costs.map(({ cpuMs }) => cpuMs)),
          pretty(perSecond),
          pretty((perSecond * bytes) / mebibyte),
        ]
      }),
    ),
    section(
      'recipients',
      when,
      ['recipients a mail', 'CPU ms a mail', 'mails/s', 'recipients/s'],
      recipientCounts.map((count, index) => {
        const costs = byRecipients[index] ?? []
        const perSecond = median(costs.map((cost) => cost.perSecond))
        return [
          String(count),
          prettyMedian(costs.map(({ cpuMs }) => cpuMs)),
          pretty(perSecond),
          pretty(perSecond * count),
        ]
      }),
    ),
    section(
      'kinds',
      when,
      ['a mail of 4 KiB, one recipient', 'CPU ms', 'mails/s'],
      [
        ...kinds.map(({ title }, index) => {
          const costs = byKind[index] ?? []
          const perSecond = median(costs.map((cost) => cost.perSecond))
          return [title, prettyMedian(costs.map(({ cpuMs }) => cpuMs)), pretty(perSecond)]
        }),
        ['many mails a session, the next hop is down', ...spool.cells],
      ],
    ),
  ]
}

function sceneOf(parts: {
  readonly relay: Scene['relay']
  readonly sink: Scene['sink']
  readonly load: Load
}): Scene {
  return {
    ...parts,
    domain,
    peer: pforte(),
    seconds: 0,
    tree: processTree(parts.relay.pid),
    send: async (job) => {
      const result = await parts.load.run(job)
      if (result.refusedCount > 0) throw new Error(result.refusal)
      return result
    },
  }
}

async function costOf(
  scene: Scene,
  plan: MailPlan,
  sessionCount: number,
  mailsPerSession: number,
  mailCount: number,
): Promise<Cost> {
  const job = { kind: 'closed', plan, sessionCount, mailsPerSession } as const
  await scene.send({ ...job, mailCount: Math.ceil(mailCount / 10) })
  await untilQuiet(scene.tree)
  const { cpuMsPerMail, mailsPerSecond } = await ingest(scene, { ...job, mailCount })
  return { cpuMs: cpuMsPerMail, perSecond: mailsPerSecond }
}

/** Interleaved; per item the costs of all repetitions. */
async function repeated<Item>(
  { repetitionCount, progress }: CostOptions,
  items: readonly Item[],
  measure: (item: Item) => Promise<Cost>,
): Promise<readonly (readonly Cost[])[]> {
  const results = items.map((): Cost[] => [])
  for (let repetition = 0; repetition < repetitionCount; repetition += 1) {
    for (const [index, item] of items.entries()) {
      const cost = await measure(item)
      results[index]?.push(cost)
      progress(`${JSON.stringify(item).slice(0, 60)}: ${pretty(cost.cpuMs)} ms`)
    }
  }
  return results
}

const kindNames = ['many', 'one', 'oneTls', 'new'] as const

function kindsOf(scene: Scene): readonly {
  readonly title: string
  readonly plan: MailPlan
  readonly mailsPerSession: number
}[] {
  const plan = planFor(scene, { isPipelining: true })
  return [
    { title: 'many mails a session, known recipient', plan, mailsPerSession: 100 },
    { title: 'one mail a session', plan, mailsPerSession: 1 },
    {
      title: 'one mail a session, STARTTLS',
      plan: { ...plan, isTls: true },
      mailsPerSession: 1,
    },
    {
      title: 'many mails a session, each to a new recipient',
      plan: { ...plan, recipients: 'new' },
      mailsPerSession: 100,
    },
  ]
}

type Constant = Parameters<typeof keepConstants>[0]

function constantsFrom(
  bySize: readonly (readonly Cost[])[],
  byRecipients: readonly (readonly Cost[])[],
  byKind: readonly (readonly Cost[])[],
): Constant {
  const cpu = (costs: readonly Cost[] | undefined): number =>
    median((costs ?? []).map(({ cpuMs }) => cpuMs))
  const size = (title: (typeof sizes)[number]['title']): number =>
    cpu(bySize[sizes.findIndex((candidate) => candidate.title === title)])
  const kind = (name: (typeof kindNames)[number]): number => cpu(byKind[kindNames.indexOf(name)])
  return {
    mailMs: kind('many'),
    sessionMs: kind('one') - kind('many'),
    tlsMs: kind('oneTls') - kind('one'),
    questionMs: kind('new') - kind('many'),
    recipientMs: (cpu(byRecipients.at(-1)) - cpu(byRecipients[0])) / 99,
    memoryMibMs: (size('256 KiB') - size('4 KiB')) / ((250_000 - 4096) / mebibyte),
    fileMibMs: (size('50 MiB') - size('1 MiB')) / ((52_000_000 - mebibyte) / mebibyte),
  }
}

/** A relay of its own: what it spools must not be delivered while something else is measured. */
async function spoolCost(
  options: CostOptions,
): Promise<{ readonly constants: Constant; readonly cells: readonly string[] }> {
  const { certificate, scale } = options
  await using sink = await startOwnSink()
  await using relay = await pforte().start({ domain, targetPort: sink.port, certificate })
  await using load = startOwnLoad()
  const scene = sceneOf({ relay, sink, load })
  const plan = planFor(scene, { isPipelining: true })
  await costOf(scene, plan, 20, 100, 500)
  await sink.down()
  const [costs = []] = await repeated(options, ['to the spool'], () =>
    costOf(scene, plan, 20, 100, Math.ceil(2000 * scale)),
  )
  return {
    constants: {
      spoolMailMs: median(costs.map(({ cpuMs }) => cpuMs)),
      spoolMailsPerSecond: median(costs.map(({ perSecond }) => perSecond)),
    },
    cells: [
      prettyMedian(costs.map(({ cpuMs }) => cpuMs)),
      pretty(median(costs.map(({ perSecond }) => perSecond))),
    ],
  }
}
