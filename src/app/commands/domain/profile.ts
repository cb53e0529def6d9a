// `domain profile`: what was measured of the domain's server.

import type { SavedProfile } from '#compliance/profile-store.ts'
import { parseArguments, type Command } from '#app/command.ts'
import { configOption, configOptionUsage } from '#app/command-config.ts'
import { cleanLine } from '#base/text.ts'
import { recheckStateOf } from '#app/recheck/recheck-domain.ts'
import { printJson } from './print.ts'
import { recheckJson, recheckText } from './recheck-text.ts'
import { domainArgument, findServed, withStore } from './store.ts'

export const profileCommand: Command = {
  summary: 'show what was measured of its server',
  usage: `Usage: pforte domain profile NAME

Prints what pforte check --save has measured of the domain's server, and which
checks were not met; then what the relay has seen since (pforte domain recheck).
Exit code 1 when nothing was saved.

${configOptionUsage}  --json         one JSON object, or null
`,
  run: async (args, io) => {
    const { values, positionals } = parseArguments(args, {
      options: { ...configOption, json: { type: 'boolean' } },
      allowPositionals: true,
    })
    const domain = domainArgument(positionals)
    return await withStore(values.config, io, async ({ config, registry }) => {
      findServed(registry, domain)
      const known = await recheckStateOf(config.state, domain)
      const saved = known === null ? null : known.saved
      if (values.json === true)
        printJson(io, known === null ? null : { ...known.saved, recheck: recheckJson(known) })
      else if (known !== null)
        io.stdout(`${profileText(known.saved)}${recheckText(known, Date.now())}`)
      else
        io.stdout(`Nothing is known of the server of ${domain}; pforte check --save measures it.\n`)
      return saved === null ? 1 : 0
    })
  },
}

function profileText({ domain, server, measuredAtMs, profile, verdicts }: SavedProfile): string {
  const open = Object.entries(verdicts).filter(
    ([, verdict]) => verdict === 'violated' || verdict === 'undetermined',
  )
  const rows: readonly (readonly [string, string])[] = [
    ['server', server],
    ['measured', new Date(measuredAtMs).toISOString()],
    ...Object.entries(profile).map(([key, value]) => [key, String(value)] as const),
    ...open.map(([id, verdict]) => [verdict, id] as const),
  ]
  return `${domain}\n${rows.map(([name, value]) => `  ${name.padEnd(27)} ${cleanLine(value, 300)}\n`).join('')}`
}
