// `pforte check`: does a mail server meet the requirements, and if not, what has to be changed?

import { getServers } from 'node:dns'
import { readFileSync } from 'node:fs'
import path from 'node:path'
import tls from 'node:tls'
import { systemClock } from '#base/clock.ts'
import {
  catalogue,
  defaultLimits,
  resolveTarget,
  runChecks,
  type Report,
} from '#compliance/compliance.ts'
import { overallOf } from '#compliance/report/words.ts'
import { openResolver } from '#dns/open-resolver.ts'
import { CommandError, tellFailure, type CommandGroup, type CommandIo } from '#app/command.ts'
import { checkUsage, readArguments, type CheckRequest } from './check/request.ts'
import { checkDnsCommand } from './check/dns.ts'
import { exitCodes, usageExitCode } from './check/exit-codes.ts'
import { lookUpTlsaAt } from './check/look-up-tlsa.ts'
import { explainChecks } from './check/explain.ts'
import { openCatching, type OpenCatching } from './check/catching.ts'
import { productionRecords } from './check/production-records.ts'
import { ownName } from './check/own-name.ts'
import { openProgress } from './check/progress.ts'
import { printReport } from './check/print.ts'
import { checkSavable, saveReport } from './check/save.ts'

export const checkCommand: CommandGroup = {
  summary: 'examine a mail server before it is served',
  usage: checkUsage,
  // So that --help goes to the one that is meant.
  subcommands: { dns: checkDnsCommand },
  run: async (args, io) => {
    const [first, ...rest] = args
    try {
      if (first === 'dns') return await dns(rest, io)
      if (args.includes('--help') || args.includes('-h')) return help(checkUsage, io)
      return await run(args, io)
    } catch (error) {
      if (!(error instanceof CommandError)) throw error
      tellFailure('pforte check', error, io)
      return usageExitCode
    }
  },
}

async function dns(args: readonly string[], io: CommandIo): Promise<number> {
  if (args.includes('--help') || args.includes('-h')) return help(checkDnsCommand.usage, io)
  return await checkDnsCommand.run(args, io)
}

function help(usage: string, io: CommandIo): number {
  io.stdout(usage)
  return 0
}

async function run(args: readonly string[], io: CommandIo): Promise<number> {
  const request = readArguments(args)
  if ('explain' in request) {
    io.stdout(explainChecks(request))
    return 0
  }
  const { isSaved, configFile } = request
  if (isSaved) await checkSavable(request.target.domains, configFile, io)
  const maySend = await isSendingAgreed(request, io)
  using caught = request.isCaught ? await openCatching(request, maySend, io) : null
  const report = await examine(request, maySend, caught, io)
  refuseForeignSources(report, request)
  printReport(report, request, io)
  // Asked again as it was; the senders of this run were of the catcher's domain.
  const how = { ...askedHow(request, caught), run: caught?.catching.run ?? null }
  if (isSaved) await saveReport(report, how, configFile, io)
  caught?.tell(io)
  return exitCodes[overallOf(report)]
}

/** Nothing was found out about the server, and nothing is wrong with it. */
function refuseForeignSources({ outcomes }: Report, { target }: CheckRequest): void {
  const isForeign = outcomes.some(
    ({ check, finding }) =>
      finding.subtype === 'source-not-local' &&
      (check.id === 'tcp-connect-v4' || check.id === 'tcp-connect-v6'),
  )
  if (!isForeign || target.sources.length === 0) return
  throw new CommandError(
    `--from-source: ${target.sources.join(', ')}: not an address of this machine; 'ip address' lists those it has`,
  )
}

async function examine(
  request: CheckRequest,
  maySend: boolean,
  caught: OpenCatching | null,
  io: CommandIo,
): Promise<Report> {
  const resolver = openResolver({
    servers: request.resolvers,
    timeoutMs: 3000,
    attemptCount: 2,
    clock: systemClock,
    cacheEntryCount: 100,
  })
  const target = await resolveTarget(request.target, resolver, io.signal, request.guard)
  resolver.close()
  if (!target.ok) throw new CommandError(target.problem)
  const production = await productionRecords(request, target.value, io)
  const progress = openProgress(io, request)
  const { helloName, senderDomain } = askedHow(request, caught)
  try {
    return await runChecks({
      target: target.value,
      checks: catalogue.filter(({ id }) => request.isWanted(id)),
      helloName,
      senderDomain,
      catching: caught?.catching ?? null,
      ca: request.caFile === null ? null : trusted(request.caFile),
      limits: { ...defaultLimits, ...request.limits },
      clock: systemClock,
      lookUpTlsa: lookUpTlsaAt(request.resolvers[0] ?? getServers()[0] ?? '127.0.0.1'),
      maySend,
      production,
      signal: io.signal,
      emit: progress.show,
    })
  } finally {
    progress.close()
  }
}

function askedHow(
  { helloName, senderDomain, caFile }: CheckRequest,
  caught: OpenCatching | null,
): {
  readonly helloName: string
  readonly senderDomain: string
  readonly caFile: string | null
} {
  const name = helloName ?? ownName()
  return {
    helloName: name,
    senderDomain: caught?.catching.domain ?? senderDomain ?? name,
    caFile: caFile === null ? null : path.resolve(caFile),
  }
}

/** Nothing is sent to a mailbox whose owner was only assumed to agree. */
async function isSendingAgreed(request: CheckRequest, io: CommandIo): Promise<boolean> {
  const { sendTo, isSendConfirmed } = request
  if (sendTo === null || isSendConfirmed) return sendTo !== null
  if (io.ask === undefined) {
    throw new CommandError(
      `--send: nothing is sent to ${sendTo} unless --confirm ${sendTo} is given`,
    )
  }
  const answer = await io.ask(
    `Some test mails, one of 50 MiB, will be sent to ${sendTo}. Type the address to agree: `,
  )
  if (answer?.trim().toLowerCase() !== sendTo.toLowerCase()) {
    throw new CommandError(`nothing was sent or examined: ${sendTo} was not confirmed`)
  }
  return true
}

/** The system's authorities, and those of the file. */
function trusted(file: string): readonly string[] {
  try {
    return [...tls.getCACertificates('default'), readFileSync(file, 'utf8')]
  } catch (error) {
    throw new CommandError(
      `cannot read --ca: ${error instanceof Error ? error.message : String(error)}`,
    )
  }
}
