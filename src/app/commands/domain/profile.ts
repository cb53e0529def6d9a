// `domain profile`: what was measured of the domain's server.

import { loadProfile, type SavedProfile } from '#compliance/profile-store.ts'
import { parseArguments, type Command } from '#app/command.ts'
import { configOption, configOptionUsage } from '#app/command-config.ts'
import { cleanLine } from '#base/text.ts'
import { printJson } from './print.ts'
import { knownSince, sinceJson, sinceText } from './recheck-text.ts'
import { domainArgument, findServed, withStore } from './store.ts'

export const profileCommand: Command = {
  summary: 'show what was measured of its server',
  usage: `Usage: pforte domain profile NAME

Prints what pforte check --save has measured of the domain's server, and which
checks were not met; then what the relay has seen since, also of its DNS (pforte
domain recheck). Exit code 1 when nothing was saved.

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
      const saved = await loadProfile(config.state, domain)
      const since = await knownSince(config.state, domain)
      if (values.json === true) printJson(io, saved && { ...saved, recheck: sinceJson(since) })
      else if (saved !== null) io.stdout(profileText(saved))
      else
        io.stdout(`Nothing is known of the server of ${domain}; pforte check --save measures it.\n`)
      if (values.json !== true) io.stdout(sinceText(since, Date.now()))
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
