// Do clients that drip make others wait? Latency of ordinary mail before and while COUNT of them send two bytes a
// second, half in commands, half in content. `node bench/slowloris.ts [COUNT=2000] [SECONDS=15]`

import { startOwnLoad } from './load/start-load.ts'
import { startOwnSink } from './load/start-sink.ts'
import { pforte } from './peers/pforte.ts'
import { makeCertificate } from './support/certificate.ts'
import { median, pretty, quantile } from './support/numbers.ts'
import { processTree } from './support/process-tree.ts'

const count = Number(process.argv[2] ?? 2000)
const seconds = Number(process.argv[3] ?? 15)
const perSecond = 40
const domain = 'inst.example'

using certificate = await makeCertificate()
await using sink = await startOwnSink()
await using relay = await pforte().start({ domain, targetPort: sink.port, certificate })
await using load = startOwnLoad()
await using slow = startOwnLoad()
const tree = processTree(relay.pid)
const plan = {
  port: relay.port,
  domain,
  recipients: 'known',
  recipientCount: 1,
  contentBytes: 4096,
  isPipelining: true,
  isTls: false,
} as const

async function look(): Promise<readonly number[]> {
  const job = { kind: 'open', plan, mailCount: seconds * perSecond, perSecond } as const
  const { latenciesMs, refusal } = await load.run(job)
  if (refusal !== '') process.stdout.write(`refused: ${refusal}\n`)
  return latenciesMs
}

function say(name: string, latenciesMs: readonly number[]): void {
  const [half, most] = [median(latenciesMs), quantile(latenciesMs, 0.99)]
  process.stdout.write(
    `${name}: ${latenciesMs.length} mails, median ${pretty(half)} ms, p99 ${pretty(most)} ms\n`,
  )
}

await load.run({ kind: 'closed', plan, sessionCount: 20, mailsPerSession: 20, mailCount: 4000 })
const calm = await look()
const before = tree.memoryBytes()
const { acceptedCount, refusal } = await slow.run({
  kind: 'drip',
  port: relay.port,
  sessionCount: count,
  domain,
})
const during = await look()
const each = (tree.memoryBytes() - before) / acceptedCount / 1024
await slow.run({ kind: 'release' })
say('calm', calm)
say(`with ${acceptedCount} slow clients`, during)
const ratio = quantile(during, 0.99) / quantile(calm, 0.99)
process.stdout.write(
  `p99: ${pretty(ratio)} times the calm one; ${pretty(each)} KiB a slow session` +
    `${refusal === '' ? '' : `; first refusal: ${refusal}`}\n`,
)
process.exitCode = ratio <= 3 && each < 40 ? 0 : 1
