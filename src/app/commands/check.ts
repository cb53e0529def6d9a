// `pforte check`: does a mail server meet the requirements, and if not, what has to be changed?

import { readFileSync } from 'node:fs'
import { hostname } from 'node:os'
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
import { CommandError, tellFailure, type Command, type CommandIo } from '#app/command.ts'
import { checkUsage, readArguments, type CheckRequest } from './check/request.ts'
import { explainChecks } from './check/explain.ts'
import { openProgress } from './check/progress.ts'
import { printReport } from './check/print.ts'

/** Not those of other commands: 1 and 2 say what was found, so wrong usage is 3. */
const exitCodes = { ready: 0, 'not-ready': 1, open: 2 } as const
const usageExitCode = 3

export const checkCommand: Command = {
  summary: 'examine a mail server before it is served',
  usage: checkUsage,
  run: async (args, io) => {
    try {
      return await run(args, io)
    } catch (error) {
      if (!(error instanceof CommandError)) throw error
      tellFailure('pforte check', error, io)
      return usageExitCode
    }
  },
}

async function run(args: readonly string[], io: CommandIo): Promise<number> {
  const request = readArguments(args)
  if ('explain' in request) {
    io.stdout(explainChecks(request))
    return 0
  }
  const maySend = await isSendingAgreed(request, io)
  const report = await examine(request, maySend, io)
  printReport(report, request, io)
  return exitCodes[overallOf(report)]
}

async function examine(request: CheckRequest, maySend: boolean, io: CommandIo): Promise<Report> {
  const resolver = openResolver({
    servers: request.resolvers,
    timeoutMs: 3000,
    attemptCount: 2,
    clock: systemClock,
    cacheEntryCount: 100,
  })
  const target = await resolveTarget(request.target, resolver, io.signal)
  resolver.close()
  if (!target.ok) throw new CommandError(target.problem)
  const progress = openProgress(io, request)
  const helloName = request.helloName ?? ownName()
  try {
    return await runChecks({
      target: target.value,
      checks: catalogue.filter(({ id }) => request.isWanted(id)),
      helloName,
      senderDomain: request.senderDomain ?? helloName,
      ca: request.caFile === null ? null : trusted(request.caFile),
      limits: { ...defaultLimits, ...request.limits },
      clock: systemClock,
      maySend,
      signal: io.signal,
      emit: progress.show,
    })
  } finally {
    progress.close()
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

/** RFC 5321 §4.1.4 wants a name; a machine without one says so with an address literal. */
function ownName(): string {
  const name = hostname()
  return name.includes('.') ? name : '[127.0.0.1]'
}

/** The system's authorities, and those of the file. */
function trusted(file: string): readonly string[] {
  try {
    return [...tls.getCACertificates('default'), readFileSync(file, 'utf8')]
  } catch (error) {
    throw new CommandError(`cannot read --ca: ${String(error)}`)
  }
}
