// What one node carries and how that grows; the tables of docs/capacity.md. `node bench/capacity.ts --help`

import path from 'node:path'
import { parseArgs } from 'node:util'
import { measureCosts } from './capacity/costs.ts'
import { measureIdleSessions } from './capacity/idle-sessions.ts'
import { modelSections } from './capacity/model.ts'
import { measureAddresses, measureDomains, measureSpool } from './capacity/modules.ts'
import type { Section } from './capacity/section.ts'
import { makeCertificate } from './support/certificate.ts'
import { loadNow, machineFacts, timeNow } from './support/machine.ts'
import { writeBetweenMarkers } from './support/markdown.ts'

const help = `node bench/capacity.ts [PART…] [OPTIONS]

  PART              costs sessions domains addresses spool model; default: all
  --small           a thousandth of everything, to see that it runs
  --repetitions N   of costs; default 3
  --write           puts the tables into docs/capacity.md

The constants measured are kept in bench/capacity.json, from which "model" computes.
`

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    small: { type: 'boolean', default: false },
    repetitions: { type: 'string', default: '3' },
    write: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  },
})

const isSmall = values.small
const progress = (line: string): void => void process.stderr.write(`${line}\n`)

const parts: Readonly<Record<string, () => Promise<readonly Section[]>>> = {
  costs: async () => {
    using certificate = await makeCertificate()
    const repetitionCount = Number(values.repetitions)
    const scale = isSmall ? 0.02 : 1
    return await measureCosts({ certificate, repetitionCount, scale, progress, when: startWatch() })
  },
  sessions: async () => {
    using certificate = await makeCertificate()
    const counts = isSmall ? [10, 100] : [100, 1000, 5000, 10_000]
    const seconds = isSmall ? 1 : 10
    return [
      await measureIdleSessions({ certificate, counts, seconds, progress, when: startWatch() }),
    ]
  },
  domains: async () => {
    const counts = isSmall ? [10, 100] : [1, 100, 1000, 10_000]
    return [await measureDomains({ counts, progress, when: startWatch() })]
  },
  addresses: async () => {
    const counts = isSmall ? [1000] : [1000, 10_000, 100_000, 1_000_000]
    return [await measureAddresses({ counts, progress, when: startWatch() })]
  },
  spool: async () => {
    const counts = isSmall ? [1000] : [1000, 10_000, 100_000]
    return [await measureSpool({ counts, progress, when: startWatch() })]
  },
  model: () => Promise.resolve(modelSections()),
}

process.once('SIGINT', () => process.exit(130))
process.once('SIGTERM', () => process.exit(143))

if (values.help) process.stdout.write(help)
else await main(positionals.length === 0 ? Object.keys(parts) : positionals)

async function main(names: readonly string[]): Promise<void> {
  for (const name of names) {
    const measure = parts[name]
    if (measure === undefined) throw new Error(`unknown part ${name}; see --help`)
    for (const { name: section, text } of await measure()) {
      process.stdout.write(`## ${section}\n\n${text}\n\n`)
      if (values.write) {
        const document = path.join(import.meta.dirname, '..', 'docs', 'capacity.md')
        writeBetweenMarkers(document, section, text)
      }
    }
  }
}

/** Gives when and on what was measured, once it is over. */
function startWatch(): () => string {
  const [startedAt, load] = [timeNow(), loadNow()]
  return () =>
    `Measured ${startedAt} to ${timeNow()}, load at the start ${load}. ${machineFacts()}.`
}
