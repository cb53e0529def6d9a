// `pforte check` against a real server on loopback, and what is expected of it.

import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { systemClock } from '#base/clock.ts'
import {
  catalogue,
  defaultLimits,
  resolveTarget,
  runChecks,
  type Catching,
  type CheckLimits,
  type Finding,
  type FindingKind,
  type Outcome,
  type Report,
} from '#compliance/compliance.ts'
import { shownSnippets, type ShownSnippet } from '#compliance/report/remedies.ts'
import { openResolver } from '#dns/open-resolver.ts'
import { startDnsServer } from '../../support/dns-server.ts'
import { noteApplied, planApplied } from './applied.ts'

export const domain = 'inst.example'
export const mailHost = 'mail.inst.example'
export const existing = 'anna@inst.example'
export const unknown = 'nobody.here@inst.example'

/** What the relay's networks are in a snippet, unless a row says otherwise: everything is on loopback. */
export const networks: readonly string[] = ['127.0.0.0/24', '::1/128']

export interface RealServer extends AsyncDisposable {
  readonly port: number
  readonly log: () => string
}

/** How the examination is done. */
export interface Vantage {
  /** Of the relay; default: what the system chooses. */
  readonly sources?: readonly string[]
  /** Of the server's name; default 127.0.0.1 only. */
  readonly addresses?: { readonly a?: readonly string[]; readonly aaaa?: readonly string[] }
  readonly ca?: readonly string[]
  /** Test mails too; no server here delivers them anywhere. */
  readonly maySend?: boolean
  readonly limits?: Partial<CheckLimits>
  /** Default: anna. */
  readonly existing?: readonly string[]
  /** The relay's, as `--network` names them; default: loopback. */
  readonly networks?: readonly string[]
  /** Of what comes back, to senders of probe.example.org. */
  readonly catching?: Catching
}

const limits: CheckLimits = {
  ...defaultLimits,
  replyTimeoutMs: 15_000,
  retryPauseMs: 100,
  connectGapMs: 0,
  recipientGapMs: 0,
  runTimeoutMs: 60_000,
  patienceMs: 3000,
}

/** All checks of these ids, or all there are. */
export async function examine(
  server: RealServer,
  ids: readonly string[] | 'all',
  vantage: Vantage = {},
): Promise<Report> {
  await using zone = await startDnsServer({ [mailHost]: vantage.addresses ?? { a: ['127.0.0.1'] } })
  const resolver = openResolver({
    servers: [zone.address],
    timeoutMs: 2000,
    attemptCount: 2,
    clock: systemClock,
    cacheEntryCount: 10,
  })
  const { signal } = new AbortController()
  const request = {
    host: mailHost,
    port: server.port,
    domains: [domain],
    existing: vantage.existing ?? [existing],
    unknown: [unknown],
    sources: vantage.sources ?? [],
  }
  const target = await resolveTarget(request, resolver, signal)
  resolver.close()
  assert.ok(target.ok, JSON.stringify(target))
  return runChecks({
    target: target.value,
    checks: ids === 'all' ? catalogue : ids.map(checkOf),
    helloName: 'mailrelay1.example.org',
    senderDomain: 'probe.example.org',
    ca: vantage.ca ?? null,
    limits: { ...limits, ...vantage.limits },
    clock: systemClock,
    maySend: vantage.maySend ?? false,
    catching: vantage.catching ?? null,
    signal,
    emit: () => undefined,
  })
}

function checkOf(id: string): (typeof catalogue)[number] {
  const check = catalogue.find((each) => each.id === id)
  assert.ok(check !== undefined, `there is no check ${id}`)
  return check
}

/** By id: the verdict alone, or with its subtype behind a blank. */
export type Expected = Readonly<Record<string, FindingKind | `${FindingKind} ${string}`>>

export function assertFindings(report: Report, expected: Expected): void {
  for (const [id, verdict] of Object.entries(expected)) {
    const { finding } = outcomeOf(report, id)
    const subtype = verdict.includes(' ') ? ` ${finding.subtype ?? ''}` : ''
    assert.equal(`${finding.kind}${subtype}`, verdict, `${id}: ${said(report, id)}`)
  }
}

/** The good controls: no *must* is violated, and none is open. */
export function assertGood(report: Report): void {
  assert.ok(report.isComplete)
  const bad = report.outcomes.filter(
    ({ check, finding }) =>
      (finding.severity ?? check.severity) === 'must' &&
      (finding.kind === 'violated' || finding.kind === 'undetermined'),
  )
  assert.deepEqual(
    bad.map(({ check }) => said(report, check.id)),
    [],
  )
}

/** Of these checks. */
export function findingsOf(report: Report, ids: readonly string[]): readonly Finding[] {
  return ids.map((id) => outcomeOf(report, id).finding)
}

function outcomeOf(report: Report, id: string): Outcome {
  const outcome = report.outcomes.find(({ check }) => check.id === id)
  assert.ok(outcome !== undefined, `${id} was not run`)
  return outcome
}

function said(report: Report, id: string): string {
  const { finding } = outcomeOf(report, id)
  return `${id}: ${finding.kind} ${finding.subtype ?? ''}: ${finding.summary.en}`
}

/** What the report says to write into the configuration of this program for these checks. */
export function snippetsOf(
  report: Report,
  program: string,
  ids: readonly string[],
  named: readonly string[] = networks,
): readonly ShownSnippet[] {
  const shown = ids.flatMap((id) => {
    const { finding } = outcomeOf(report, id)
    assert.ok(finding.remedy !== null, `${id} has no remedy: ${said(report, id)}`)
    const found = shownSnippets(finding.remedy, report, { networks: named }, 'en')
    const own = found.filter((each) => each.program === program)
    assert.ok(own.length > 0, `${id} has no snippet`)
    // A firewall may stand before any of them; another program it is not.
    const names = found.map((each) => each.program)
    assert.ok(program === 'nftables' || names.every((name) => [program, 'nftables'].includes(name)))
    return own
  })
  return shown.filter(({ code }, index) => shown.findIndex((each) => each.code === code) === index)
}

/** One configuration of a server, what is found there, and which remedies are tried out. */
export interface Row<Configuration> extends Vantage {
  readonly name: string
  readonly configuration: Configuration
  readonly expected: Expected
  /** Their snippets are applied, all together; each of these checks is met then. */
  readonly remedied?: readonly string[]
  /** Which of them is not met then, since the program can do no better. */
  readonly remaining?: Expected
  readonly also?: (report: Report) => void
}

export interface Bench<Configuration> {
  /** As in a report. */
  readonly program: string
  readonly skip: string | false
  readonly start: (configuration: Configuration) => Promise<RealServer>
  /** The configuration as the postmaster leaves it who does what the report says. */
  readonly apply: (configuration: Configuration, snippets: readonly ShownSnippet[]) => Configuration
}

/** One test a row, and `others`, some at a time: most of it is waiting. With remedies the server starts a second time. */
export function testRows<Configuration>(
  bench: Bench<Configuration>,
  rows: readonly Row<Configuration>[],
  others: () => void = () => undefined,
): void {
  describe(bench.program, { concurrency: 4, skip: bench.skip }, () => {
    others()
    for (const row of rows) {
      if (row.remedied !== undefined) planApplied(row.name)
      test(row.name, { timeout: 60_000 }, () => tryOut(bench, row))
    }
  })
}

/** What is found, and what is found again after the advice was followed. */
export async function tryOut<Configuration>(
  bench: Bench<Configuration>,
  row: Row<Configuration>,
): Promise<void> {
  const report = await examineOnce(bench, row.configuration, Object.keys(row.expected), row)
  assertFindings(report, row.expected)
  row.also?.(report)
  const ids = row.remedied ?? []
  if (ids.length === 0) return
  const snippets = snippetsOf(report, bench.program, ids, row.networks)
  const repaired = bench.apply(row.configuration, snippets)
  const after = await examineOnce(bench, repaired, ids, row)
  assertFindings(after, { ...Object.fromEntries(ids.map((id) => [id, 'met'])), ...row.remaining })
  noteApplied(row.name, bench.program, findingsOf(report, ids))
}

async function examineOnce<Configuration>(
  bench: Bench<Configuration>,
  configuration: Configuration,
  ids: readonly string[],
  vantage: Vantage,
): Promise<Report> {
  await using server = await bench.start(configuration)
  return await examine(server, ids, vantage)
}
