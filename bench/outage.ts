// An institute's server is down for the length of 20,000 mails. Are they all taken, how fast, how much does
// the relay's memory grow; when the server is back, how soon does it have all of them, in which order, and
// how long does other mail wait meanwhile? `node bench/outage.ts [COUNT] [WORKERS]`

import { readFileSync, statSync } from 'node:fs'
import path from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { startRelay } from '../test/support/relay.ts'
import { sendAll, sendOne, type Mail } from './outage/fast-client.ts'
import { FastSink } from './outage/fast-sink.ts'
import { judgeFlush } from './outage/flush.ts'
import { startLiveMail, type LiveStream } from './outage/live-mail.ts'

const count = Number(process.argv[2] ?? 20_000)
const workers = Number(process.argv[3] ?? 0)
const sessionCount = 20
const mailboxCount = 50
const liveEveryMs = 50
const flushPatienceMs = 120_000
const maxAddedMs = 1000
const maxGrowthMiB = 64 * (1 + workers)
/** Mails under way at once when they were taken and when they are delivered, and one batch of leases. */
const maxDisplacement = 200

const institute = new FastSink()
const other = new FastSink()
await Promise.all([institute.up(), other.up()])
await using relay = await startRelay({
  domains: [
    { domain: 'inst.example', to: `127.0.0.1:${institute.port}` },
    { domain: 'other.example', to: `127.0.0.1:${other.port}` },
  ],
  config: { workers, verification: { breakerRecovery: '5s' } },
})

for (let index = 0; index < mailboxCount; index += 1) {
  await sendOne(relay.port, { name: `warm-${index}`, recipient: mailbox(index) })
}
await sendOne(relay.port, { name: 'warm', recipient: 'user@other.example' })
print('live mail, one in 50 ms to each institute: median / longest wait for 250 in ms')
const calm = await whileLiveMail('everything is up', () => pause(3000))

institute.down()
const taken: string[] = []
const refusals: string[] = []
const ingestMemory = [residentMiB()]
const ingestSeconds = await seconds(() => whileLiveMail('down, taking in', sendMass))
const spoolMiB = spoolBytes() / 1024 ** 2

const backAtMs = Date.now()
const flushMemory = [residentMiB()]
const watch = setInterval(() => flushMemory.push(residentMiB()), 250)
await institute.up()
const flushing = await whileLiveMail('back, flushing', untilArrived)
clearInterval(watch)

const flush = judgeFlush(taken, massArrivals())
const upAtMs = recoveredAtMs()
const flushSeconds = (flush.lastAtMs - upAtMs) / 1000
const addedMs = flushing.maxMs - calm.medianMs
// The first tenth warms up what every busy relay has: compiled code, heap, connections.
const growthMiB = Math.max(...ingestMemory, ...flushMemory) - (ingestMemory[1] ?? 0)

print(
  `${count} mails of 4 KiB while the server is down, ${sessionCount} sessions, ${workers} workers:`,
)
print(`  taken ${taken.length}, refused ${refusals.length} ${refusals[0] ?? ''}`)
print(`  ${ingestSeconds.toFixed(1)} s, ${perSecond(taken.length, ingestSeconds)}`)
print(`  spool ${spoolMiB.toFixed(0)} MiB on disk`)
print(`resident memory in MiB while taking in: ${ingestMemory.map(Math.round).join(' ')}`)
print(`  while flushing: ${flushMemory.map(Math.round).join(' ')}`)
print(`  growth after the first tenth ${growthMiB.toFixed(0)} MiB, limit ${maxGrowthMiB} MiB`)
print(`the server is back: recovery question answered after ${upAtMs - backAtMs} ms`)
print(
  `  from then to the last mail ${flushSeconds.toFixed(2)} s, ${perSecond(taken.length, flushSeconds)}`,
)
print(
  `  lost ${flush.missingCount}, twice ${flush.duplicateCount}, unwanted ${flush.unwantedCount}`,
)
print(`  out of order by at most ${flush.maxDisplacement} places, limit ${maxDisplacement}`)
print(`  live mail delayed by at most ${addedMs.toFixed(0)} ms, limit ${maxAddedMs} ms`)
const isGood =
  taken.length === count &&
  flush.missingCount + flush.duplicateCount + flush.unwantedCount === 0 &&
  flush.maxDisplacement <= maxDisplacement &&
  flushing.refusedCount === 0 &&
  addedMs < maxAddedMs &&
  growthMiB < maxGrowthMiB
print(isGood ? 'as it should be' : 'NOT AS IT SHOULD BE')
process.exitCode = isGood ? 0 : 1
relay.signal('SIGTERM')
await relay.ended
institute.down()
other.down()

async function sendMass(): Promise<void> {
  let nextNumber = 0
  const next = (): Mail | undefined => {
    if (nextNumber === count) return undefined
    nextNumber += 1
    return { name: `mass-${nextNumber}`, recipient: mailbox(nextNumber) }
  }
  const onReply = ({ name }: Mail, reply: string): void => {
    if (reply.startsWith('250')) taken.push(name)
    else refusals.push(reply)
    const doneCount = taken.length + refusals.length
    if (doneCount % Math.ceil(count / 10) === 0) ingestMemory.push(residentMiB())
  }
  await Promise.all(Array.from({ length: sessionCount }, () => sendAll(relay.port, next, onReply)))
}

async function untilArrived(): Promise<void> {
  const endMs = performance.now() + flushPatienceMs
  while (massArrivals().length < taken.length && performance.now() < endMs) await pause(50)
}

interface LiveSummary {
  readonly medianMs: number
  readonly maxMs: number
  readonly refusedCount: number
}

async function whileLiveMail(label: string, work: () => Promise<unknown>): Promise<LiveSummary> {
  const start = (domain: string): LiveStream =>
    startLiveMail(relay.port, { label, recipient: `user@${domain}` }, liveEveryMs)
  const streams = {
    'same institute': start('inst.example'),
    'other institute': start('other.example'),
  }
  await work()
  const all: number[] = []
  let refusedCount = 0
  for (const [name, stream] of Object.entries(streams)) {
    const { latenciesMs, refusals: refused } = await stream.stop()
    all.push(...latenciesMs)
    refusedCount += refused.length
    const numbers = `${median(latenciesMs).toFixed(1)} / ${Math.max(0, ...latenciesMs).toFixed(1)}`
    const failed = refused.length === 0 ? '' : `, ${refused.length} refused: ${refused[0]}`
    print(`  ${label}, ${name}: ${numbers} of ${latenciesMs.length}${failed}`)
  }
  return { medianMs: median(all), maxMs: Math.max(...all), refusedCount }
}

function massArrivals(): FastSink['arrivals'] {
  return institute.arrivals.filter(({ name }) => name.startsWith('mass-'))
}

/** Read at the end only: reading a long log would delay what is measured. */
function recoveredAtMs(): number {
  const [event] = relay.events('next-hop-up')
  return event === undefined ? NaN : Date.parse(String(event['time']))
}

function mailbox(number: number): string {
  return `user${number % mailboxCount}@inst.example`
}

/** Of all processes of the relay. */
function residentMiB(): number {
  const children = readFileSync(`/proc/${relay.pid}/task/${relay.pid}/children`, 'utf8')
  const pids = [String(relay.pid), ...children.split(' ').filter((pid) => pid !== '')]
  return pids.reduce((sum, pid) => sum + residentMiBOf(pid), 0)
}

function residentMiBOf(pid: string): number {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8')
  return Number(/^VmRSS:\s+(\d+) kB/m.exec(status)?.[1] ?? 0) / 1024
}

function spoolBytes(): number {
  const files = ['spool.db', 'spool.db-wal'].map((name) =>
    statSync(path.join(relay.folder, 'state', 'spool', name), { throwIfNoEntry: false }),
  )
  return files.reduce((sum, file) => sum + (file?.size ?? 0), 0)
}

async function seconds(work: () => Promise<unknown>): Promise<number> {
  const startMs = performance.now()
  await work()
  return (performance.now() - startMs) / 1000
}

function perSecond(mailCount: number, time: number): string {
  return `${(mailCount / time).toFixed(0)} mails/s`
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? NaN
}

function print(text: string): void {
  process.stdout.write(`${text}\n`)
}
