// How long does `pforte check` take against a healthy server, and where does the time go? The good controls of
// test/compliance, on loopback, with the limits of the command: `node bench/check-time.ts [PROGRAM…]`

import { systemClock } from '#base/clock.ts'
import { defaultLimits, type Report } from '#compliance/compliance.ts'
import { examine, mailHost } from '../test/compliance/support/examine.ts'
import { goodServers, type GoodServer } from '../test/compliance/support/good-servers.ts'
import { findPrograms, skipReason } from '../test/interop/support/programs.ts'
import { createAuthority } from '../test/support/certificates.ts'
import { machineFacts } from './support/machine.ts'
import { markdownTable } from './support/markdown.ts'

const slowestCount = 6
const wanted = process.argv.slice(2)
const servers = Object.entries(goodServers).flatMap(([id, server]) =>
  wanted.length === 0 || wanted.includes(id) ? [server] : [],
)
const programs = findPrograms(...new Set(servers.flatMap((server) => server.needs)))
await using authority = await createAuthority()
const leaf = await authority.issue({ names: [mailHost] })

const rows: string[][] = []
for (const server of servers) {
  const reason = skipReason(programs, ...server.needs)
  if (reason !== false) rows.push([server.name, reason, '', ''])
  else for (const maySend of [false, true]) rows.push(await measure(server, maySend))
}
process.stdout.write(`${machineFacts()}\n`)
process.stdout.write(markdownTable(['server', 'run', 'seconds', 'the slowest checks'], rows))

async function measure(server: GoodServer, maySend: boolean): Promise<string[]> {
  await using running = await server.start(programs, leaf)
  const startMs = systemClock.monotonicMs()
  const report = await examine(running, 'all', {
    ...server.vantage,
    ca: [authority.ca.certificate],
    maySend,
    limits: defaultLimits,
  })
  const seconds = ((systemClock.monotonicMs() - startMs) / 1000).toFixed(1)
  return [server.name, maySend ? 'with --send' : 'without', seconds, slowest(report)]
}

function slowest(report: Report): string {
  return report.outcomes
    .toSorted((a, b) => b.ms - a.ms)
    .slice(0, slowestCount)
    .map(({ check, ms }) => `${check.id} ${(ms / 1000).toFixed(1)}`)
    .join(', ')
}
