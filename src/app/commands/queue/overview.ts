// `pforte queue`: what waits and what is held, for which domain and why.

import { cleanLine } from '#base/text.ts'
import type { DomainStats } from '#spool/spool.ts'
import type { DomainReasons } from '#spool/spool-tools.ts'
import { parseArguments, type Command, type CommandIo } from '#app/command.ts'
import { configOptionUsage } from '#app/command-config.ts'
import { printJson } from '#app/commands/domain/print.ts'
import { timeText } from '#app/commands/recipient/print.ts'
import { attemptJson, ownerJson, timeOrNull } from './json.ts'
import { commonOptions, withQueue, type Queue } from './open-queue.ts'
import { ageText, count, holdReasonText, nextAttemptText, ownerText, sizeText } from './print.ts'

export const overviewCommand: Command = {
  summary: 'show what is in the spool, for which domain and why',
  usage: `Usage: pforte queue [--json]

Shows for each domain how many recipients wait and are held, the oldest mail,
the size, the next attempt, and the last words of its server. Works on a
running and on a stopped relay, as all of these commands do.

${configOptionUsage}  --json         one JSON object
`,
  run: async (args, io) => {
    const { values } = parseArguments(args, { options: commonOptions })
    return await withQueue(values.config, io, (queue) => {
      if (values.json === true) printJson(io, overviewJson(queue))
      else printOverview(io, queue)
      return 0
    })
  },
}

function overviewJson({ tools, folder }: Queue): Readonly<Record<string, unknown>> {
  const reasons = byDomain(tools.reasons())
  const { domains, ...sums } = tools.stats()
  return {
    folder,
    relay: ownerJson(tools.owner()),
    ...sums,
    domains: domains.map((each) => ({
      domain: each.domain,
      waitingCount: each.waitingCount,
      heldCount: each.heldCount,
      sizeBytes: each.sizeBytes,
      oldestWaitingAt: timeOrNull(each.oldestWaitingMs),
      oldestHeldAt: timeOrNull(each.oldestHeldMs),
      // Null with something waiting: as soon as possible.
      nextAttemptAt: timeOrNull(each.nextAttemptMs === 0 ? null : each.nextAttemptMs),
      holds: reasons.get(each.domain)?.holds ?? [],
      lastAttempt: lastAttemptJson(reasons.get(each.domain)),
    })),
  }
}

function lastAttemptJson(
  reasons: DomainReasons | undefined,
): Readonly<Record<string, unknown>> | null {
  const attempt = reasons?.lastAttempt
  return attempt === null || attempt === undefined ? null : attemptJson(attempt)
}

function printOverview(io: CommandIo, { tools, folder, nowMs }: Queue): void {
  const reasons = byDomain(tools.reasons())
  const { entryCount, sizeBytes, waitingCount, heldCount, domains } = tools.stats()
  io.stdout(`relay  ${ownerText(tools.owner())}\n`)
  const sums = `${count(entryCount, 'mail')}, ${sizeText(sizeBytes)}`
  const fates = `${count(waitingCount, 'recipient')} waiting, ${heldCount} held`
  io.stdout(
    `spool  ${cleanLine(folder, 400)}: ${entryCount === 0 ? 'empty' : `${sums}; ${fates}`}\n`,
  )
  if (domains.length === 0) return
  const table = columns([
    ['DOMAIN', 'WAITING', 'HELD', 'OLDEST', 'SIZE', 'NEXT ATTEMPT'],
    ...domains.map((each) => [
      cleanLine(each.domain, 255),
      String(each.waitingCount),
      String(each.heldCount),
      ageText(nowMs - oldestMs(each)),
      sizeText(each.sizeBytes),
      each.nextAttemptMs === null ? '-' : nextAttemptText(each.nextAttemptMs, nowMs),
    ]),
  ])
  io.stdout(`\n${table[0] ?? ''}\n`)
  for (const [index, each] of domains.entries()) {
    io.stdout(`${table[index + 1] ?? ''}\n`)
    for (const line of whyLines(each, reasons.get(each.domain))) io.stdout(`    ${line}\n`)
  }
}

function oldestMs({ oldestWaitingMs, oldestHeldMs }: DomainStats): number {
  return Math.min(oldestWaitingMs ?? Infinity, oldestHeldMs ?? Infinity)
}

/** `waits: …` when something waits, `held: …` when something is held. */
function whyLines(stats: DomainStats, reasons: DomainReasons | undefined): readonly string[] {
  const lines: string[] = []
  const attempt = reasons?.lastAttempt ?? null
  if (attempt !== null) {
    const { atMs, server, outcome, reply } = attempt
    const words = reply === '' ? outcome : reply
    const what = stats.waitingCount > 0 ? 'waits' : 'last'
    lines.push(cleanLine(`${what}: ${server} at ${timeText(atMs)}: ${words}`, 1000))
  } else if (stats.waitingCount > 0) lines.push('waits: not tried yet')
  const holds = reasons?.holds ?? []
  if (holds.length > 0) {
    const texts = holds.map((each) => `${each.count} ${holdReasonText(each.reason)}`)
    lines.push(`held: ${texts.join(', ')}`)
  }
  return lines
}

function byDomain(reasons: readonly DomainReasons[]): ReadonlyMap<string, DomainReasons> {
  return new Map(reasons.map((each) => [each.domain, each]))
}

function columns(rows: readonly (readonly string[])[]): readonly string[] {
  const widths = rows[0]?.map((_, column) =>
    Math.max(...rows.map((row) => row[column]?.length ?? 0)),
  )
  return rows.map((row) =>
    row
      .map((cell, column) => cell.padEnd(widths?.[column] ?? 0))
      .join('  ')
      .trimEnd(),
  )
}
