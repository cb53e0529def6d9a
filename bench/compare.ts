// Pforte beside the relays this machine has, on the same work in the same run. `node bench/compare.ts --help`

import path from 'node:path'
import { parseArgs } from 'node:util'
import { direct } from './peers/direct.ts'
import { findPeers } from './peers/find-peers.ts'
import { pforte } from './peers/pforte.ts'
import { compare, type Comparison } from './compare/run.ts'
import { report } from './compare/report.ts'
import { makeCertificate } from './support/certificate.ts'
import { writeBetweenMarkers } from './support/markdown.ts'
import { workloads } from './workloads/workloads.ts'

const help = `node bench/compare.ts [OPTIONS]

  --workloads NAMES     of: ${workloads.map(({ name }) => name).join(' ')}
  --peers NAMES         of: postfix exim opensmtpd haraka haproxy; default: all that are found
  --haraka FOLDER       the package of Haraka, if it is there
  --repetitions N       default 3
  --seconds N           of one measurement, about; default 5
  --generator NAME      auto (default): Postfix's smtp-source and smtp-sink where they can do the work; own
  --write               puts the tables into bench/README.md
`

const { values } = parseArgs({
  options: {
    workloads: { type: 'string', default: '' },
    peers: { type: 'string', default: '' },
    haraka: { type: 'string' },
    repetitions: { type: 'string', default: '3' },
    seconds: { type: 'string', default: '5' },
    generator: { type: 'string', default: 'auto' },
    write: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  },
})

process.once('SIGINT', () => process.exit(130))
process.once('SIGTERM', () => process.exit(143))

if (values.help) process.stdout.write(help)
else await main()

async function main(): Promise<void> {
  const names = words(values.workloads)
  const unknown = names.filter((name) => !workloads.some((workload) => workload.name === name))
  if (unknown.length > 0) throw new Error(`unknown workload ${unknown.join(', ')}`)
  const { peers, missing, tools } = findPeers(words(values.peers), values.haraka ?? null)
  using certificate = await makeCertificate()
  const comparison = await compare({
    workloads: workloads.filter(({ name }) => names.length === 0 || names.includes(name)),
    peers: [pforte(), ...peers, direct],
    tools: values.generator === 'own' ? null : tools,
    certificate,
    repetitionCount: Number(values.repetitions),
    seconds: Number(values.seconds),
    progress: (line) => process.stderr.write(`${line}\n`),
  })
  show(comparison, missing)
}

function show(comparison: Comparison, missing: readonly string[]): void {
  const text = report(comparison, missing)
  process.stdout.write(`${text}\n`)
  if (values.write) {
    writeBetweenMarkers(path.join(import.meta.dirname, 'README.md'), 'comparison', text)
  }
}

function words(text: string): readonly string[] {
  return text.split(/[\s,]+/).filter((word) => word !== '')
}
