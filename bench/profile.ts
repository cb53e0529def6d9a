// Where the CPU time of a mail goes: `node bench/profile.ts [--write]`. One process, default settings, under V8's
// sampling profiler, after warming up. Flame graphs go to bench/profile/*.svg with --write.

import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { startRelay } from '../test/support/relay.ts'
import type { MailPlan } from './load/job.ts'
import { startOwnLoad, type Load } from './load/start-load.ts'
import { startOwnSink, type Sink } from './load/start-sink.ts'
import { readProfile, totalOf, type Frame } from './profile/cpu-profile.ts'
import { flameGraph } from './profile/flame-graph.ts'
import { stagesOf } from './profile/stages.ts'
import { makeCertificate } from './support/certificate.ts'
import { machineFacts, timeNow } from './support/machine.ts'
import { markdownTable, writeBetweenMarkers } from './support/markdown.ts'
import { pretty } from './support/numbers.ts'

interface Work {
  readonly name: string
  readonly file: string
  readonly changes: Partial<MailPlan>
  readonly mailsPerSession: number
  readonly isTargetDown: boolean
}

const domain = 'inst.example'
const sessionCount = 20
const warmMailCount = 3000
const mailCount = 5000
const usual = { changes: {}, mailsPerSession: 1, isTargetDown: false }
const works: readonly Work[] = [
  { ...usual, name: 'known recipient', file: 'known' },
  { ...usual, name: 'new recipient', file: 'new', changes: { recipients: 'new' } },
  { ...usual, name: 'session kept', file: 'kept', mailsPerSession: 500 },
  { ...usual, name: 'STARTTLS', file: 'starttls', changes: { isTls: true } },
  { ...usual, name: 'to the spool', file: 'spool', isTargetDown: true },
]

process.once('SIGINT', () => process.exit(130))
const isWriting = process.argv.includes('--write')
using certificate = await makeCertificate()
await using load = startOwnLoad()
const columns: ReadonlyMap<string, number>[] = []
for (const work of works) {
  process.stderr.write(`${work.name}\n`)
  const profile = await profileOf(work)
  columns.push(stagesOf(profile, mailCount))
  const title = `${work.name}: ${pretty(totalOf(profile) / mailCount)} µs a mail; ${timeNow()}`
  if (isWriting) {
    const file = path.join(import.meta.dirname, 'profile', `${work.file}.svg`)
    writeFileSync(file, flameGraph(profile, title))
  }
}
const text = `${machineFacts()}; ${timeNow()}\n\n${table()}`
process.stdout.write(`${text}\n`)
if (isWriting) writeBetweenMarkers(path.join(import.meta.dirname, 'README.md'), 'profile', text)

function table(): string {
  const stages = [...new Set(columns.flatMap((column) => [...column.keys()]))]
  const rows = stages
    .map((stage) => ({ stage, costs: columns.map((column) => column.get(stage) ?? 0) }))
    .filter(({ costs }) => Math.max(...costs) >= 3)
    .map(({ stage, costs }) => [stage, ...costs.map(pretty)])
  const sums = columns.map((column) => pretty([...column.values()].reduce((a, b) => a + b, 0)))
  const head = ['µs a mail, main thread', ...works.map(({ name }) => name)]
  return markdownTable(head, [...rows, ['all', ...sums]])
}

async function profileOf(work: Work): Promise<Frame> {
  const folder = mkdtempSync(path.join(tmpdir(), 'pforte-profile-'))
  try {
    await using sink = await startOwnSink()
    const { certificatePath, keyPath } = certificate
    await using relay = await startRelay({
      domains: [{ domain, to: `127.0.0.1:${sink.port}` }],
      config: { tls: { certificates: [{ certificate: certificatePath, key: keyPath }] } },
      environment: { NODE_OPTIONS: `--cpu-prof --cpu-prof-dir=${folder}` },
    })
    await prepare(relay.port, sink, work)
    const from = monotonicMicroseconds()
    await send(load, relay.port, work, mailCount)
    const to = monotonicMicroseconds()
    relay.signal('SIGTERM')
    await relay.ended
    // Named after process and thread; thread 0 is the main one.
    const main = readdirSync(folder).find((name) => name.includes(`.${relay.pid}.0.`))
    if (main === undefined) throw new Error('the relay left no profile')
    return readProfile(path.join(folder, main), from, to)
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

async function prepare(port: number, sink: Sink, work: Work): Promise<void> {
  const before = { ...work, isTargetDown: false }
  await send(load, port, before, work.isTargetDown ? 200 : warmMailCount)
  if (!work.isTargetDown) return
  await sink.down()
  await send(load, port, work, warmMailCount)
}

async function send(generator: Load, port: number, work: Work, count: number): Promise<void> {
  const { mailsPerSession } = work
  const plan: MailPlan = {
    port,
    domain,
    recipients: 'known',
    recipientCount: 1,
    contentBytes: 4096,
    isPipelining: false,
    isTls: false,
    ...work.changes,
  }
  const job = { kind: 'closed', plan, sessionCount, mailCount: count, mailsPerSession } as const
  const { refusedCount, refusal } = await generator.run(job)
  if (refusedCount > 0) throw new Error(refusal)
}

function monotonicMicroseconds(): number {
  return Number(process.hrtime.bigint() / 1000n)
}
