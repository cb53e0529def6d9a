// `domain profile`: what the relay obeys for the domain's server, and what was measured of it.

import { loadRefusals } from '#compliance/production-store.ts'
import { atTime } from '#compliance/production.ts'
import { loadProfile, type SavedProfile } from '#compliance/profile-store.ts'
import { parseArguments, type Command } from '#app/command.ts'
import { configOption, configOptionUsage } from '#app/command-config.ts'
import { cleanLine } from '#base/text.ts'
import type { ServedDomain } from '#registry/registry.ts'
import { domainRefusals, type DomainRefusals } from '#app/late-refusals/refusals-status.ts'
import { formatEndpoint } from '#registry/route.ts'
import { timeText } from '#app/commands/recipient/print.ts'
import { printJson } from './print.ts'
import { profileRows } from './profile-rows.ts'
import { knownSince, sinceJson, sinceText } from './recheck-text.ts'
import { domainArgument, findServed, withStore } from './store.ts'

export const profileCommand: Command = {
  summary: 'show what is known of its server and obeyed',
  usage: `Usage: pforte domain profile NAME

Prints what the relay obeys for the domain's server and whose word that is, then
what pforte check --save has measured and which checks were not met; then what
the relay has seen since, also of its DNS (pforte domain recheck), and what the
server has refused of real mail in the last 24 hours. Set one by hand with
pforte domain set. Exit code 1 when nothing was saved.

${configOptionUsage}  --json         one JSON object, or null
`,
  run: async (args, io) => {
    const { values, positionals } = parseArguments(args, {
      options: { ...configOption, json: { type: 'boolean' } },
      allowPositionals: true,
    })
    const domain = domainArgument(positionals)
    return await withStore(values.config, io, async ({ config, registry }) => {
      const served = findServed(registry, domain)
      const saved = await loadProfile(config.state, domain)
      const since = await knownSince(config.state, domain)
      const refused = await refusedOf(config.state, served, Date.now())
      if (values.json === true) {
        const { profile: obeyed } = served
        printJson(
          io,
          saved && { ...saved, obeyed, recheck: sinceJson(since), lateRefusals: refused },
        )
      } else {
        io.stdout(`${domain}\n${obeyedText(served)}`)
        io.stdout(
          saved === null
            ? `Nothing was measured of the server of ${domain}; pforte check --save does it.\n`
            : profileText(saved),
        )
        io.stdout(sinceText(since, Date.now()))
        io.stdout(refusedText(refused))
      }
      return saved === null ? 1 : 0
    })
  },
}

/** Null: the relay has seen none of the server its mail goes to. */
async function refusedOf(
  folder: string,
  { domain, route }: ServedDomain,
  nowMs: number,
): Promise<DomainRefusals | null> {
  const state = await loadRefusals(folder, domain)
  return state?.routeId === route.id ? domainRefusals(atTime(state, nowMs), nowMs) : null
}

function refusedText(refused: DomainRefusals | null): string {
  if (refused === null) return ''
  const { contentCount, recipientCount, degradedSinceMs, summary } = refused
  return `refused of real mail, last 24 h\n${textOf([
    ...(degradedSinceMs === null ? [] : [['degraded since', timeText(degradedSinceMs)] as const]),
    ['after DATA', String(contentCount)],
    ['recipients accepted before', String(recipientCount)],
    ['last', summary],
  ])}`
}

function obeyedText(served: ServedDomain): string {
  const { route, calloutRoute, measured } = served
  const refusals = measured?.maxRefusalsPerConnection ?? null
  const callout = calloutRoute.endpoints.map(formatEndpoint).join(', ')
  const rows = [
    ...profileRows(served),
    ...(refusals === null ? [] : [['refusals each', `at most ${refusals} (measured)`] as const]),
    ...(calloutRoute.id === route.id ? [] : [['callout', `${callout} (by hand)`] as const]),
  ]
  return `obeyed\n${textOf(rows)}`
}

function profileText({ server, measuredAtMs, profile, verdicts }: SavedProfile): string {
  const open = Object.entries(verdicts).filter(
    ([, verdict]) => verdict === 'violated' || verdict === 'undetermined',
  )
  const rows: readonly (readonly [string, string])[] = [
    ['server', server],
    ['measured', new Date(measuredAtMs).toISOString()],
    ...Object.entries(profile).map(([key, value]) => [key, String(value)] as const),
    ...open.map(([id, verdict]) => [verdict, id] as const),
  ]
  return `measured\n${textOf(rows)}`
}

function textOf(rows: readonly (readonly [string, string])[]): string {
  return rows.map(([name, value]) => `  ${name.padEnd(27)} ${cleanLine(value, 300)}\n`).join('')
}
