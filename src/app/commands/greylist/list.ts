// `greylist stats` and `greylist list`: how much there is, and what was seen last.

import { parseArguments, UsageError, type Command } from '#app/command.ts'
import { configOptionUsage } from '#app/command-config.ts'
import { printJson } from '#app/commands/domain/print.ts'
import { timeText } from '#app/commands/recipient/print.ts'
import type { GreylistTools } from '#greylist/greylist-tools.ts'
import { commonOptions, storedNetworkName, withGreylist } from './with-greylist.ts'

export const statsCommand: Command = {
  summary: 'count what the greylist remembers',
  usage: `Usage: pforte greylist stats

${configOptionUsage}  --json         one JSON object: mode, waiting, passed, networks
`,
  run: async (args, io) => {
    const { values } = parseArguments(args, { options: commonOptions })
    return await withGreylist({ config: values.config, io }, (tools, { policy }) => {
      const { mode } = policy.greylisting
      const { waitingCount, passedCount, networkCount } = tools.stats()
      if (values.json === true) {
        printJson(io, {
          mode,
          waiting: waitingCount,
          passed: passedCount,
          networks: networkCount,
        })
      } else {
        io.stdout(`  mode      ${mode}
  waiting   ${waitingCount} triples that have not come back
  passed    ${passedCount} triples that have
  networks  ${networkCount} of which one has
`)
      }
      return 0
    })
  },
}

const kinds = ['networks', 'waiting', 'passed'] as const
type Kind = (typeof kinds)[number]

const defaultCount = 50
const largestCount = 100_000

export const listCommand: Command = {
  summary: 'list what was seen last',
  usage: `Usage: pforte greylist list [networks|waiting|passed] [--limit N]

networks (default): each client network, how many of its triples have passed,
and when it was seen. waiting, passed: triples; of these only a hash is kept.
What was seen last comes first.

  --limit N      so many at most. Default: ${defaultCount}
${configOptionUsage}  --json         one JSON array
`,
  run: async (args, io) => {
    const { values, positionals } = parseArguments(args, {
      options: { ...commonOptions, limit: { type: 'string' } },
      allowPositionals: true,
    })
    const kind = kindOf(positionals)
    const maxCount = countOf(values.limit)
    return await withGreylist({ config: values.config, io }, (tools) => {
      const rows = rowsOf(tools, kind, maxCount)
      if (values.json === true) printJson(io, rows)
      else for (const row of rows) io.stdout(`${Object.values(row).join('  ')}\n`)
      return 0
    })
  },
}

function kindOf(positionals: readonly string[]): Kind {
  const [word = 'networks', ...more] = positionals
  const kind = kinds.find((each) => each === word)
  if (kind === undefined || more.length > 0) throw new UsageError('networks, waiting or passed')
  return kind
}

function countOf(text: string | undefined): number {
  if (text === undefined) return defaultCount
  const count = /^\d{1,6}$/.test(text) ? Number(text) : 0
  if (count < 1 || count > largestCount) {
    throw new UsageError(`--limit: a number from 1 to ${largestCount}`)
  }
  return count
}

function rowsOf(
  tools: GreylistTools,
  kind: Kind,
  maxCount: number,
): readonly Readonly<Record<string, string | number>>[] {
  if (kind === 'networks') {
    return tools.networks(maxCount).map(({ network, passedCount, seenAtMs }) => ({
      seen: timeText(seenAtMs),
      network: storedNetworkName(network),
      passed: passedCount,
    }))
  }
  return tools.triples(kind, maxCount).map(({ key, firstAtMs, passedAtMs, seenAtMs }) => ({
    seen: timeText(seenAtMs),
    first: timeText(firstAtMs),
    ...(passedAtMs === null ? {} : { passed: timeText(passedAtMs) }),
    key,
  }))
}
