// `pforte check dns`: do the MX records lead all mail to the relays, and what is to be changed?

import { getServers } from 'node:dns'
import path from 'node:path'
import { systemClock } from '#base/clock.ts'
import { checkDomain, switchSteps, zoneLines } from '#compliance/dns/check-domain.ts'
import { reportJson } from '#compliance/report/report-json.ts'
import { reportText } from '#compliance/report/report-text.ts'
import { overallOf } from '#compliance/report/words.ts'
import { parseDomain } from '#smtp/domain-name.ts'
import { parseArguments, UsageError, type Command, type CommandIo } from '#app/command.ts'
import { withStore } from '#app/commands/domain/store.ts'
import { trustedCertificates } from '#app/toolbox.ts'
import { checkSavable, saveZoneReport } from './save.ts'
import { exitCodes } from './exit-codes.ts'
import { parseNameServer } from './name-server.ts'
import { isColoured, width } from './print.ts'
import { languageOf } from './request.ts'
import type { NameServer } from '#dns/query.ts'

const usage = `Usage: pforte check dns DOMAIN --relay NAME [--relay NAME]... [OPTIONS]

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

async function run(args: readonly string[], io: CommandIo): Promise<number> {
  const { values, positionals } = parseArguments(args, {
    options: {
      relay: { type: 'string', multiple: true },
      resolver: { type: 'string' },
      'name-server': { type: 'string', multiple: true },
      outside: { type: 'boolean' },
      config: { type: 'string' },
      'policy-server': { type: 'string' },
      ca: { type: 'string' },
      save: { type: 'boolean' },
      lang: { type: 'string' },
      json: { type: 'boolean' },
    },
    allowPositionals: true,
  })
  const [name, ...others] = positionals
  if (name === undefined || others.length > 0)
    throw new UsageError('name one domain: pforte check dns DOMAIN')
  const [first, ...rest] = (values.relay ?? []).map((each) => domainName('--relay', each))
  if (first === undefined) throw new UsageError('name the relays: --relay NAME')
  const language = languageOf(values.lang)
  const domain = domainName('DOMAIN', name)
  const request = {
    domain,
    relays: [first, ...rest] as const,
    resolver: nameServer('--resolver', values.resolver ?? getServers()[0] ?? '127.0.0.1'),
    nameServers: (values['name-server'] ?? []).map((each) => nameServer('--name-server', each)),
    timeoutMs: 3000,
    isServed: values.config === undefined ? null : await isServed(domain, values.config, io),
    policyServer: policyServerOf(values['policy-server']),
    ca: trustedCertificates(values.ca ?? null, '--ca'),
    outside: values.outside === true ? { smtpPort: 25 } : null,
  }
  if (values.save === true) await checkSavable([domain], values.config, io)
  const report = await checkDomain(request, systemClock, io.signal)
  if (values.json === true) {
    const json = { ...Object(reportJson(report, { networks: [] })), zoneLines: zoneLines(request) }
    io.stdout(`${JSON.stringify(json, null, 2)}\n`)
  } else {
    const options = { networks: [], language, isColoured: isColoured(io), width }
    const lines = [...zoneLines(request), '', ...switchSteps(language, request)]
    io.stdout(`${reportText(report, options)}\n${lines.join('\n')}\n`)
  }
  if (values.save === true) {
    const { resolver, nameServers, policyServer } = request
    const asked = {
      relays: request.relays,
      resolver: values.resolver === undefined ? null : resolver,
      nameServers,
      policyServer,
      caFile: values.ca === undefined ? null : path.resolve(values.ca),
    }
    await saveZoneReport(report, asked, values.config, io)
  }
  return exitCodes[overallOf(report)]
}

async function isServed(domain: string, configFile: string, io: CommandIo): Promise<boolean> {
  return await withStore(configFile, io, ({ registry }) => registry.find(domain) !== undefined)
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
