// `domain recheck`: looks at the domain's server and its DNS again, now.

import { systemClock } from '#base/clock.ts'
import { openResolver } from '#dns/open-resolver.ts'
import { CommandError, parseArguments, type Command } from '#app/command.ts'
import { configOption, configOptionUsage } from '#app/command-config.ts'
import { recheckDomain, type Rechecked } from '#app/recheck/recheck-domain.ts'
import { printJson } from './print.ts'
import { knownSince, sinceJson, sinceText } from './recheck-text.ts'
import { domainArgument, findServed, withStore } from './store.ts'

export const recheckCommand: Command = {
  summary: 'look at its server and DNS again, as the relay does every day',
  usage: `Usage: pforte domain recheck NAME

Repeats, with the addresses that were nominated, those checks of pforte check
--save that send no mail and provoke no limits, and those of pforte check dns
--save, and compares. Another verdict counts when it is seen twice within an
hour: run it again, or the relay does.
pforte domain profile NAME shows the last result without asking anybody.

Exit code 0: as before; 1: something is otherwise; 2: nothing was found out.

${configOptionUsage}  --json         one JSON object
`,
  run: async (args, io) => {
    const { values, positionals } = parseArguments(args, {
      options: { ...configOption, json: { type: 'boolean' } },
      allowPositionals: true,
    })
    const name = domainArgument(positionals)
    return await withStore(values.config, io, async ({ config, registry }) => {
      const resolver = openResolver({ ...config.dns, clock: systemClock, cacheEntryCount: 100 })
      try {
        const looks: Rechecked[] = []
        for (const watch of ['server', 'zone'] as const) {
          const result = await recheckDomain({
            config,
            domain: findServed(registry, name),
            watch,
            resolver,
            clock: systemClock,
            random: Math.random,
            isWhole: true,
            signal: io.signal,
          })
          if (result !== null) looks.push(result)
        }
        if (looks.length === 0) {
          throw new CommandError(`nothing was saved of ${name}; pforte check --save does it`, 2)
        }
        const since = await knownSince(config.state, name)
        if (values.json === true) printJson(io, sinceJson(since))
        else io.stdout(`${name}\n${sinceText(since, Date.now())}`)
        return Math.max(...looks.map(exitCodeOf))
      } finally {
        resolver.close()
      }
    })
  },
}

function exitCodeOf({ look, state, saved }: Rechecked): number {
  if (look.kind !== 'done') return 2
  const isOtherwise = Object.entries(state.verdicts).some(
    ([id, kind]) => saved.verdicts[id] !== kind,
  )
  return isOtherwise || state.suspicions.length > 0 ? 1 : 0
}
