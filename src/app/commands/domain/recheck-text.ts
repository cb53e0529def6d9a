// How a server stands since it was examined, as people and as programs read it.

import { cleanLine } from '#base/text.ts'
import { standingChanges } from '#compliance/recheck.ts'
import { ageText } from '#app/commands/queue/print.ts'
import { timeText } from '#app/commands/recipient/print.ts'
import { recheckStateOf, type Rechecked } from '#app/recheck/recheck-domain.ts'
import type { Watched } from '#app/recheck/watched.ts'

type Known = Omit<Rechecked, 'look'>

const maxTextLength = 400

/** What is known of a domain's server and of its DNS; null: it was not examined with --save. */
export type KnownSince = Readonly<Record<Watched['watch'], Known | null>>

export async function knownSince(folder: string, domain: string): Promise<KnownSince> {
  return {
    server: await recheckStateOf(folder, { watch: 'server', domain }),
    zone: await recheckStateOf(folder, { watch: 'zone', domain }),
  }
}

/** What was seen since; nothing before the first look, unless something has come back. */
export function sinceText({ server, zone }: KnownSince, nowMs: number): string {
  return [server, zone]
    .flatMap((known) => (known === null || isNothingSeen(known) ? [] : [known]))
    .map((known) => `since then: ${known.saved.server}\n${recheckText(known, nowMs)}`)
    .join('')
}

export function sinceJson({ server, zone }: KnownSince): Readonly<Record<string, unknown>> {
  return {
    server: server === null ? null : recheckJson(server),
    dns: zone === null ? null : recheckJson(zone),
  }
}

/** One line a fact. */
export function recheckText(known: Known, nowMs: number): string {
  if (isNothingSeen(known)) return ''
  const { saved, state } = known
  const { nextAtMs, suspicions, verdicts } = state
  const rows: readonly (readonly [string, string])[] = [
    ['looked at again', lastText(state)],
    ...(nextAtMs === null || nextAtMs <= nowMs
      ? []
      : [['next look', `in ${ageText(nextAtMs - nowMs)}, by the relay`] as const]),
    ...standingChanges(saved, state).map(
      ({ check, severity, verdict, atMs, summary }) =>
        [
          `now ${verdict}`,
          `${check} (${severity}), was ${saved.verdicts[check]}, since ${timeText(atMs)}: ${summary.en}`,
        ] as const,
    ),
    ...suspicions.map(
      ({ check, verdict, atMs }) =>
        ['seen once', `${check} ${verdict}, was ${verdicts[check]}, ${timeText(atMs)}`] as const,
    ),
  ]
  return rows
    .map(([name, value]) => `  ${name.padEnd(27)} ${cleanLine(value, maxTextLength)}\n`)
    .join('')
}

function isNothingSeen({ state: { last, changes } }: Known): boolean {
  return last === null && changes.length === 0
}

function lastText({ last }: Known['state']): string {
  if (last === null) return 'not yet'
  const when = timeText(last.atMs)
  return last.failure === null
    ? `${when}, ${last.checkCount} checks`
    : `${when}, nothing found out: ${last.failure}`
}

/** Every key is always there; times are ISO 8601 in UTC. */
export function recheckJson({ saved, state }: Known): Readonly<Record<string, unknown>> {
  const { domain, last, nextAtMs, suspicions } = state
  return {
    domain,
    server: saved.server,
    last: last === null ? null : { ...last, atMs: undefined, at: timeText(last.atMs) },
    next: nextAtMs === null ? null : timeText(nextAtMs),
    changed: standingChanges(saved, state).map(({ check, severity, verdict, atMs, summary }) => ({
      check,
      severity,
      was: saved.verdicts[check] ?? null,
      verdict,
      since: timeText(atMs),
      summary: summary.en,
    })),
    suspected: suspicions.map(({ check, verdict, atMs }) => ({
      check,
      verdict,
      at: timeText(atMs),
    })),
  }
}
