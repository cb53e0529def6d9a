// `pforte check dns`: do the MX records lead all mail to the relays, and what is to be changed?

import { getServers } from 'node:dns'
import path from 'node:path'
import { systemClock } from '#base/clock.ts'
import type { Report } from '#compliance/compliance.ts'
import {
  checkDomain,
  switchSteps,
  zoneLines,
  type ZoneRequest,
} from '#compliance/dns/check-domain.ts'
import { loadRecheck } from '#compliance/recheck-store.ts'
import { reportJson } from '#compliance/report/report-json.ts'
import { reportText } from '#compliance/report/report-text.ts'
import { overallOf } from '#compliance/report/words.ts'
import { parseDomain } from '#smtp/domain-name.ts'
import {
  CommandError,
  parseArguments,
  UsageError,
  type Command,
  type CommandIo,
} from '#app/command.ts'
import { withStore } from '#app/commands/domain/store.ts'
import { trustedCertificates } from '#app/toolbox.ts'
import { ownName } from './own-name.ts'
import { checkSavable, saveZoneReport } from './save.ts'
import { exitCodes } from './exit-codes.ts'
import { parseNameServer } from './name-server.ts'
import { isColoured, width } from './print.ts'
import { languageOf } from './request.ts'
import type { NameServer } from '#dns/query.ts'

const usage = `Usage: pforte check dns DOMAIN --relay NAME [--relay NAME]... [OPTIONS]
       pforte check dns --served --relay NAME [--relay NAME]... [OPTIONS]

Looks whether the MX records of a domain lead all its mail to the relays, at the
authoritative name servers and through a resolver, and prints the lines to paste
and the order of the switch. Sends DNS questions, and fetches the policy of
MTA-STS over HTTPS if the zone says that there is one.

  --relay NAME        name of a relay; repeat it for each
  --resolver IP       ask this resolver instead of the system's; IP:PORT too
  --name-server IP    ask these instead of the zone's own; may be repeated
  --outside           this machine is outside the institute's network and may
                      connect to port 25: see whether other MX are open
  --config FILE       the relay's configuration: see whether it serves the domain
  --served            all domains the relay serves, a line each, see --config
  --policy-server IP  fetch the policy of MTA-STS there; IP:PORT too
  --ca FILE           for that, trust these authorities too (PEM)
  --save              keep the verdicts; the relay looks again every day and tells what
                      has changed. The domain must be served, see --config
  --lang de|en        language of the report; default en
  --json              one JSON object

Exit code as of pforte check.
`

export const checkDnsCommand: Command = {
  summary: 'look whether the MX records lead to the relays',
  usage,
  run: async (args, io) => await run(args, io),
}

const options = {
  relay: { type: 'string', multiple: true },
  resolver: { type: 'string' },
  'name-server': { type: 'string', multiple: true },
  outside: { type: 'boolean' },
  config: { type: 'string' },
  served: { type: 'boolean' },
  'policy-server': { type: 'string' },
  ca: { type: 'string' },
  save: { type: 'boolean' },
  lang: { type: 'string' },
  json: { type: 'boolean' },
} as const

interface DnsValues {
  readonly relay?: readonly string[]
  readonly resolver?: string
  readonly 'name-server'?: readonly string[]
  readonly outside?: boolean
  readonly config?: string
  readonly served?: boolean
  readonly 'policy-server'?: string
  readonly ca?: string
  readonly save?: boolean
  readonly lang?: string
  readonly json?: boolean
}

/** What is the same for every domain. */
type Common = Omit<ZoneRequest, 'domain' | 'isServed' | 'disagreement'>

async function run(args: readonly string[], io: CommandIo): Promise<number> {
  const { values, positionals } = parseArguments(args, { options, allowPositionals: true })
  const [name, ...others] = positionals
  const isWhole = values.served === true
  if ((name === undefined) !== isWhole || others.length > 0)
    throw new UsageError('name one domain: pforte check dns DOMAIN, or --served for all')
  const common = readCommon(values)
  if (name === undefined) return await examineServed(common, values, io)
  const domain = domainName('DOMAIN', name)
  const hasRegistry = values.config !== undefined || values.save === true
  const served = hasRegistry ? await servedDomains(values.config, io) : null
  if (values.save === true) await checkSavable([domain], values.config, io)
  const disagreement = await disagreementOf(domain, values, io)
  const request = {
    ...common,
    domain,
    isServed: served?.includes(domain) ?? null,
    disagreement,
  }
  const report = await checkDomain(request, systemClock, io.signal)
  print(report, request, values, io)
  if (values.save === true) await save(report, request, values, io)
  return exitCodes[overallOf(report)]
}

/** One after the other, a line each: what a domain has to have changed says the whole report. */
async function examineServed(common: Common, values: DnsValues, io: CommandIo): Promise<number> {
  const codes: number[] = []
  for (const domain of await servedDomains(values.config, io)) {
    const disagreement = await disagreementOf(domain, values, io)
    const request = { ...common, domain, isServed: true, disagreement }
    const report = await checkDomain(request, systemClock, io.signal)
    if (!report.isComplete) throw new CommandError('interrupted')
    const open = report.outcomes.filter(({ check, finding }) => {
      const isBad = finding.kind === 'violated' || finding.kind === 'undetermined'
      return isBad && (finding.severity ?? check.severity) !== 'info'
    })
    const overall = overallOf(report)
    const ids = open.map(({ check, finding }) => `${check.id} ${finding.kind}`)
    io.stdout(
      values.json === true
        ? `${JSON.stringify({ domain, overall, open: ids })}\n`
        : `${domain}: ${[overall, ...ids].join(', ')}\n`,
    )
    if (values.save === true) await save(report, request, values, io)
    codes.push(exitCodes[overall])
  }
  return codes.includes(1) ? 1 : Math.max(0, ...codes)
}

function readCommon(values: DnsValues): Common {
  const [first, ...rest] = (values.relay ?? []).map((each) => domainName('--relay', each))
  if (first === undefined) throw new UsageError('name the relays: --relay NAME')
  return {
    relays: [first, ...rest],
    resolver: nameServer('--resolver', values.resolver ?? getServers()[0] ?? '127.0.0.1'),
    nameServers: (values['name-server'] ?? []).map((each) => nameServer('--name-server', each)),
    timeoutMs: 3000,
    policyServer: policyServerOf(values['policy-server']),
    ca: trustedCertificates(values.ca ?? null, '--ca'),
    helloName: ownName(),
    relayPort: 25,
    outside: values.outside === true ? { smtpPort: 25 } : null,
  }
}

function print(report: Report, request: ZoneRequest, values: DnsValues, io: CommandIo): void {
  if (values.json === true) {
    const json = { ...Object(reportJson(report, { networks: [] })), zoneLines: zoneLines(request) }
    io.stdout(`${JSON.stringify(json, null, 2)}\n`)
    return
  }
  const language = languageOf(values.lang)
  const look = { networks: [], language, isColoured: isColoured(io), width }
  const lines = [...zoneLines(request), '', ...switchSteps(language, request)]
  io.stdout(`${reportText(report, look)}\n${lines.join('\n')}\n`)
}

async function save(
  report: Report,
  { relays, resolver, nameServers, policyServer }: ZoneRequest,
  values: DnsValues,
  io: CommandIo,
): Promise<void> {
  const asked = {
    relays,
    resolver: values.resolver === undefined ? null : resolver,
    nameServers,
    policyServer,
    caFile: values.ca === undefined ? null : path.resolve(values.ca),
  }
  await saveZoneReport(report, asked, values.config, io)
}

async function servedDomains(
  configFile: string | undefined,
  io: CommandIo,
): Promise<readonly string[]> {
  return await withStore(configFile, io, ({ registry }) =>
    registry.list().map(({ domain }) => domain),
  )
}

/** Whoever saves what was seen remembers it; somebody who only looks does not. */
async function disagreementOf(
  domain: string,
  { save: isSaved, config: configFile }: DnsValues,
  io: CommandIo,
): Promise<ZoneRequest['disagreement']> {
  if (isSaved !== true) return null
  return await withStore(configFile, io, async ({ config }) => {
    const state = await loadRecheck(config.state, 'zone', domain)
    return { sinceMs: state?.disagreesSinceMs ?? null }
  })
}

function policyServerOf(written: string | undefined): NameServer | null {
  if (written === undefined) return null
  const { address, port } = nameServer('--policy-server', written)
  return { address, port: port === 53 ? 443 : port }
}

function domainName(option: string, written: string): string {
  const parsed = parseDomain(written)
  if (!parsed.ok) throw new UsageError(`${option}: '${written}': ${parsed.problem}`)
  return parsed.value
}

function nameServer(option: string, written: string): NameServer {
  const parsed = parseNameServer(written)
  if (parsed === null) throw new UsageError(`${option}: '${written}' is not an IP address`)
  return parsed
}
