// The status as people and as programs read it.

import { cleanLine } from '#base/text.ts'
import type { RefusalsStatus } from '#app/late-refusals/refusals-status.ts'
import type { RecheckStatus } from '#app/recheck/recheck-status.ts'
import type { SpoolStatus, TargetStatus } from '#app/processes/relay-status.ts'
import { ageText, count, sizeText } from '#app/commands/queue/print.ts'
import { timeText } from '#app/commands/recipient/print.ts'
import type { ProcessRates, StatusWithRates } from './rates.ts'

const maxTextLength = 300

const processHeads = 'PROCESS PID UPTIME MEMORY CPU SESSIONS MAILS/S RECIPIENTS/S'.split(' ')

/** `nowMs`: wall time. */
export function statusText(status: StatusWithRates, nowMs: number): string {
  const { processes, targets, spool, rechecks, lateRefusals } = status
  const rows = [processHeads, ...processes.map(processRow)]
  const servers = targets.length === 0 ? ['none was needed yet'] : targetLines(targets, nowMs)
  return `${tableText(rows)}
Servers of the institutes:
${servers.map((line) => `  ${line}\n`).join('')}
Spool: ${spoolText(spool)}
${recheckText(rechecks, nowMs)}${refusalsText(lateRefusals)}`
}

function processRow(process: ProcessRates): readonly string[] {
  return [
    process.name,
    String(process.pid),
    ageText(process.uptimeMs),
    sizeText(process.residentBytes),
    process.cpuPercent === null ? '-' : `${process.cpuPercent.toFixed(0)} %`,
    String(process.sessionCount),
    rateText(process.mailsPerSecond),
    rateText(process.recipientsPerSecond),
  ]
}

function rateText(perSecond: number | null): string {
  if (perSecond === null) return '-'
  return perSecond < 9.95 ? perSecond.toFixed(1) : perSecond.toFixed(0)
}

/** The first column to the left, numbers to the right. */
function tableText(rows: readonly (readonly string[])[]): string {
  const width = (column: number): number =>
    Math.max(...rows.map((row) => (row[column] ?? '').length))
  const line = (row: readonly string[]): string =>
    row
      .map((cell, column) =>
        column === 0 ? cell.padEnd(width(column)) : cell.padStart(width(column)),
      )
      .join('  ')
  return rows.map((row) => `${line(row)}\n`).join('')
}

/** Those that are down first. */
function targetLines(targets: readonly TargetStatus[], nowMs: number): readonly string[] {
  const inOrder = targets.toSorted(
    (one, other) =>
      Number(other.isDown) - Number(one.isDown) || one.route.localeCompare(other.route),
  )
  return inOrder.map((target) => targetLine(target, nowMs))
}

function targetLine(target: TargetStatus, nowMs: number): string {
  const { route, isDown, sinceMs, connectionCount, lastFailure } = target
  const state = `${isDown ? 'DOWN' : 'up'} for ${ageText(nowMs - sinceMs)}`
  const failure = lastFailure === null ? '' : `, last failure: ${lastFailure}`
  const facts = `${route}  ${state}, ${count(connectionCount, 'connection')}${failure}`
  return cleanLine(facts, maxTextLength)
}

function spoolText({ state, ...spool }: SpoolStatus): string {
  const { entryCount, waitingCount, heldCount, sizeBytes } = spool
  const what = state.kind === 'open' ? 'open' : cleanLine(`STOPPED: ${state.detail}`, maxTextLength)
  const waiting = `${count(waitingCount, 'recipient')} waiting, ${heldCount} held`
  return `${what}; ${count(entryCount, 'mail')}, ${waiting}, ${sizeText(sizeBytes)}`
}

/** One line, and one for each verdict that has changed. */
function recheckText(rechecks: RecheckStatus, nowMs: number): string {
  const { mode, domainCount, lastAtMs, failedDomains, changedCount, changed } = rechecks
  if (mode === 'off') return 'Rechecks: off\n'
  const last = lastAtMs === null ? 'none yet' : `last ${ageText(nowMs - lastAtMs)} ago`
  const failed = failedDomains.length === 0 ? '' : `, failed: ${failedDomains.join(', ')}`
  const head = `${count(domainCount, 'domain')}, ${last}, ${count(changedCount, 'changed verdict')}${failed}`
  const lines = changed.map(
    ({ domain, check, severity, was, verdict, sinceMs }) =>
      `${domain}: ${check} (${severity}) was ${was}, is ${verdict} since ${timeText(sinceMs)}`,
  )
  return `Rechecks: ${cleanLine(head, 10 * maxTextLength)}\n${lines
    .map((line) => `  ${cleanLine(line, maxTextLength)}\n`)
    .join('')}`
}

/** One line, and one for each domain whose server has refused what it had accepted. */
function refusalsText({ domainCount, degradedCount, domains }: RefusalsStatus): string {
  const head =
    domainCount === 0
      ? 'none in 24 h'
      : `${count(domainCount, 'domain')}, ${degradedCount} degraded`
  const lines = domains.map(({ domain, degradedSinceMs, summary }) => {
    const since = degradedSinceMs === null ? '' : `DEGRADED since ${timeText(degradedSinceMs)}: `
    return `  ${cleanLine(`${domain}: ${since}${summary}`, maxTextLength)}\n`
  })
  return `Late refusals: ${head}\n${lines.join('')}`
}

/** Every key is always there; texts of peers are as they came. */
export function statusJson(status: StatusWithRates): Readonly<Record<string, unknown>> {
  const { processes, targets, spool, rechecks, lateRefusals } = status
  return {
    processes: processes.map((process) => ({
      ...process,
      uptimeMs: Math.round(process.uptimeMs),
      cpuMs: Math.round(process.cpuMs),
      cpuPercent: rounded(process.cpuPercent),
      mailsPerSecond: rounded(process.mailsPerSecond),
      recipientsPerSecond: rounded(process.recipientsPerSecond),
    })),
    targets: targets.map(({ sinceMs, ...target }) => ({ ...target, since: timeText(sinceMs) })),
    spool: {
      ...spool,
      state: spool.state.kind,
      stoppedSince: spool.state.kind === 'open' ? null : timeText(spool.state.sinceMs),
      stoppedBecause: spool.state.kind === 'open' ? null : spool.state.detail,
    },
    rechecks: {
      mode: rechecks.mode,
      domainCount: rechecks.domainCount,
      last: rechecks.lastAtMs === null ? null : timeText(rechecks.lastAtMs),
      failedDomains: rechecks.failedDomains,
      changedCount: rechecks.changedCount,
      changed: rechecks.changed.map(({ sinceMs, ...change }) => ({
        ...change,
        since: timeText(sinceMs),
      })),
    },
    lateRefusals: {
      ...lateRefusals,
      domains: lateRefusals.domains.map(({ degradedSinceMs, ...domain }) => ({
        ...domain,
        degradedSince: degradedSinceMs === null ? null : timeText(degradedSinceMs),
      })),
    },
  }
}

function rounded(value: number | null): number | null {
  return value === null ? null : Math.round(value * 10) / 10
}
