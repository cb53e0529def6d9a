// What sessions that say nothing cost: opens them, and prints the resident memory of all processes of the relay, in
// clear and after STARTTLS. `node bench/idle.ts [COUNT=10000]`; needs `ulimit -n` above twice the COUNT.

import { setTimeout as pause } from 'node:timers/promises'
import { startOwnLoad } from './load/start-load.ts'
import { startOwnSink } from './load/start-sink.ts'
import { pforte } from './peers/pforte.ts'
import { makeCertificate } from './support/certificate.ts'
import { pretty } from './support/numbers.ts'
import { processTree } from './support/process-tree.ts'

const count = Number(process.argv[2] ?? 10_000)
const domain = 'inst.example'
const mebibyte = 1024 ** 2

/** `strainAt` is out of the way: here the idle ones shall stay. */
const limits = { maxSessions: count + 100 }

using certificate = await makeCertificate()
await using sink = await startOwnSink()

async function measure(isTls: boolean): Promise<void> {
  const peer = pforte('auto', limits, { load: { strainAt: 100 } })
  await using relay = await peer.start({ domain, targetPort: sink.port, certificate })
  await using load = startOwnLoad()
  const tree = processTree(relay.pid)
  const plan = {
    port: relay.port,
    domain,
    recipients: 'known',
    recipientCount: 1,
    contentBytes: 4096,
    isPipelining: true,
    isTls,
  } as const
  await load.run({ kind: 'closed', plan, sessionCount: 20, mailsPerSession: 20, mailCount: 1000 })
  const warm = await load.run({ kind: 'hold', port: relay.port, sessionCount: 200, isTls })
  await load.run({ kind: 'release' })
  await pause(2000)
  const before = tree.memoryBytes()
  const { acceptedCount, refusal } = await load.run({
    kind: 'hold',
    port: relay.port,
    sessionCount: count,
    isTls,
  })
  await pause(3000)
  const after = tree.memoryBytes()
  const mail = await load.run({
    kind: 'closed',
    plan,
    sessionCount: 1,
    mailsPerSession: 1,
    mailCount: 20,
  })
  const each = (after - before) / acceptedCount / 1024
  process.stdout.write(
    `${isTls ? 'after STARTTLS' : 'in clear'}: ${acceptedCount} idle sessions, ` +
      `${pretty(before / mebibyte)} MiB before, ${pretty(after / mebibyte)} MiB with them, ` +
      `${pretty(each)} KiB each; ${mail.acceptedCount} of 20 mails beside them; warm ${warm.acceptedCount}` +
      `${refusal === '' ? '' : `; first refusal: ${refusal}`}\n`,
  )
  await load.run({ kind: 'release' })
}

await measure(false)
await measure(true)
