// Runs the checks one after the other, phase by phase. What is known when the run is stopped is kept.

import { cleanLine } from '#base/text.ts'
import type { CaughtRun } from '#catcher/catcher.ts'
import { isIP } from '#net/address.ts'
import { phases, undetermined, type Check, type CheckContext, type Finding } from './check.ts'
import type { Outcome, Report, RunOptions } from './compliance.ts'
import type { TlsaAnswer } from './dane.ts'
import { sleep } from './dialog/contact.ts'
import { Prober } from './dialog/prober.ts'
import { createQuestions } from './dialog/questions.ts'
import { recogniseMta } from './mta/recognise.ts'
import { missingNeed } from './needs.ts'
import { mergeProfiles } from './profile.ts'
import { awaitReturns, type RunCatching } from './returns/catching.ts'
import { text } from './text.ts'
import { AddressMask } from './transcript.ts'

/** Never rejects because of the server. */
export async function runChecks(options: RunOptions): Promise<Report> {
  const { clock, limits, target } = options
  const startedAtMs = clock.now()
  const startMs = clock.monotonicMs()
  // Combines Ctrl-C with the deadline: either ends the run the same way.
  const deadline = new AbortController()
  const timer = setTimeout(() => deadline.abort(), limits.runTimeoutMs)
  const signal = AbortSignal.any([options.signal, deadline.signal])
  const context = createContext(options, signal)
  const outcomes: Outcome[] = []
  try {
    const checks = inPhases(options.checks)
    for (const [index, check] of checks.entries()) {
      options.emit({ kind: 'check-started', check, index, count: checks.length })
      const checkMs = clock.monotonicMs()
      const own = { ...context, checkId: check.id }
      const finding = await findingOf(check, own, options.maySend)
      const outcome = { check, finding, ms: clock.monotonicMs() - checkMs }
      outcomes.push(outcome)
      options.emit({ kind: 'check-finished', outcome })
    }
  } finally {
    clearTimeout(timer)
    await context.questions.close()
    context.prober.close()
  }
  const { transcripts } = context.prober
  const said = transcripts.flatMap(({ lines }) =>
    lines.filter(({ from }) => from === 'server').map((line) => line.text),
  )
  return {
    target,
    startedAtMs,
    ms: clock.monotonicMs() - startMs,
    isComplete: !signal.aborted,
    outcomes: options.checks.flatMap((check) => outcomes.filter((each) => each.check === check)),
    transcripts,
    recognition: recogniseMta(said),
    profile: mergeProfiles(outcomes.map(({ finding }) => finding.measured)),
  }
}

/** Within a phase the order of the catalogue stays. */
function inPhases(checks: readonly Check[]): readonly Check[] {
  return phases.flatMap((phase) => checks.filter((check) => check.phase === phase))
}

function createContext(options: RunOptions, signal: AbortSignal): CheckContext {
  const { target, limits, clock } = options
  const mask = new AddressMask()
  for (const address of [...target.existing, ...target.unknown]) mask.learn(address)
  const prober = new Prober({
    target,
    helloName: options.helloName,
    senderDomain: options.senderDomain,
    ca: options.ca,
    limits,
    clock,
    signal,
    mask,
  })
  const questions = createQuestions({
    greet: (vantage) => prober.greet(vantage, 'asRelay'),
    gapMs: limits.recipientGapMs,
    monotonicMs: clock.monotonicMs,
    signal,
  })
  let tlsa: Promise<TlsaAnswer> | undefined
  const waits = { sleep: (ms: number) => sleep(ms, signal), now: clock.now }
  const catching: RunCatching | null =
    options.catching === undefined || options.catching === null
      ? null
      : { ...options.catching, seen: new Map() }
  let returns: Promise<CaughtRun> | undefined
  return {
    checkId: '',
    target,
    prober,
    questions,
    signal,
    patienceMs: limits.patienceMs,
    maySend: options.maySend,
    catching,
    returns: () => {
      if (catching === null) throw new Error('there is no catcher in this run')
      return (returns ??= awaitReturns(catching, limits.returnWaitMs, waits))
    },
    ...waits,
    production: options.production ?? null,
    tlsa: () => (tlsa ??= tlsaOf(options, signal)),
  }
}

/** RFC 7672 §2.2.3: the port is part of the name. An address has no such name. */
async function tlsaOf(
  { target, lookUpTlsa }: RunOptions,
  signal: AbortSignal,
): Promise<TlsaAnswer> {
  if (isIP(target.host) || lookUpTlsa === undefined) return { kind: 'none' }
  return await lookUpTlsa(`_${target.port}._tcp.${target.host}`, signal)
}

async function findingOf(check: Check, context: CheckContext, maySend: boolean): Promise<Finding> {
  if (context.signal.aborted) return stopped()
  const missing = await missingNeed(check, context, maySend)
  if (missing !== null) return missing
  try {
    const finding = await check.run(context)
    // What was found while everything was being torn down may be the tearing down.
    return context.signal.aborted && finding.kind !== 'met' ? stopped() : finding
  } catch (error) {
    const words = cleanLine(
      error instanceof Error ? (error.stack ?? error.message) : String(error),
      400,
    )
    return undetermined(
      text(`Fehler in der Prüfung selbst: ${words}`, `A fault of the check itself: ${words}`),
      { subtype: 'fault' },
    )
  }
}

function stopped(): Finding {
  return undetermined(
    text('Nicht geprüft: Der Lauf wurde beendet.', 'Not checked: the run was stopped.'),
    {
      subtype: 'stopped',
    },
  )
}
