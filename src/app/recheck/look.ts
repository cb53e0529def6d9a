// One look at a server that was examined before: the cheap checks, asked as they were then. The only file of
// the rechecks that needs the machinery of the checks, so it is loaded when one is due.

import { getServers } from 'node:dns'
import { systemClock } from '#base/clock.ts'
import { cleanLine } from '#base/text.ts'
import {
  catalogue,
  defaultLimits,
  isCheap,
  resolveTarget,
  runChecks,
  type Report,
  type Text,
} from '#compliance/compliance.ts'
import type { AskedWith, SavedProfile } from '#compliance/profile-store.ts'
import type { SeenVerdict } from '#compliance/recheck.ts'
import type { Config } from '#config/config.ts'
import type { Resolver } from '#dns/dns.ts'
import type { Route } from '#registry/registry.ts'
import { CommandError } from '#app/command.ts'
import { lookUpTlsaAt } from '#app/commands/check/look-up-tlsa.ts'
import { objectionTo } from '#app/destinations.ts'
import { trustedCertificates } from '#app/toolbox.ts'
import { isOnRoute, parseServer } from './on-route.ts'

const maxTextLength = 300
/** 421 in the greeting, or none. */
const busySubtypes: ReadonlySet<string> = new Set(['busy', 'no-banner'])

type Outcome = Report['outcomes'][number]

export type Look =
  | {
      readonly kind: 'done'
      readonly seen: readonly SeenVerdict[]
      readonly tookMs: number
      /** Of the DNS: since when its name servers disagree; null: they do not. */
      readonly disagreesSinceMs?: number | null
    }
  | { readonly kind: 'failed'; readonly detail: string }
  | { readonly kind: 'stopped' }

export interface LookOptions {
  readonly config: Config
  readonly saved: SavedProfile
  /** Of the domain: a server that is on none of them is not contacted any more. */
  readonly routes: readonly Route[]
  readonly resolver: Pick<Resolver, 'addresses'>
  /** Only these checks; null: all cheap ones the profile has a verdict of. */
  readonly only: readonly string[] | null
  /** Aborted: it ends soon, and nothing is kept of it. */
  readonly signal: AbortSignal
}

/** Never rejects because of the server. */
export async function lookAgain(options: LookOptions): Promise<Look> {
  const { config, saved, signal } = options
  if (saved.asked === null) {
    return failed('it was saved without the addresses; run pforte check --save again')
  }
  const server = parseServer(saved.server)
  const target = await resolveTarget({ ...saved.asked, ...server }, options.resolver, signal)
  if (signal.aborted) return { kind: 'stopped' }
  if (!target.ok) return failed(target.problem)
  if (!options.routes.some((route) => isOnRoute(route, server, target.value.addresses))) {
    return failed(
      `${saved.server} is not on the route of ${saved.domain}; run pforte check --save with a server that is`,
    )
  }
  const objection = objectionTo(config)
  for (const address of target.value.addresses) {
    const isFromDns = address !== server.host
    const words = objection({ address, port: server.port, isFromDns })?.words
    if (words !== undefined) return failed(words)
  }
  const report = await examine(options, saved.asked, target.value)
  if (!report.isComplete) return signal.aborted ? { kind: 'stopped' } : failed('took too long')
  return doneOf(report, (outcome) => saysSomething(outcome, saved.verdicts))
}

/**
 * A server that was busy, perhaps with the relay's own mail, says nothing about itself. And a question alone
 * clears nothing that was found with test mails or a catcher.
 */
function saysSomething(
  { check, finding: { kind, subtype } }: Outcome,
  before: SavedProfile['verdicts'],
): boolean {
  if (subtype !== null && busySubtypes.has(subtype)) return false
  return !(check.seesFurther === true && kind === 'met' && before[check.id] === 'violated')
}

async function examine(
  { config, saved, only, signal }: LookOptions,
  asked: AskedWith,
  target: Report['target'],
): Promise<Report> {
  const isWanted = (id: string): boolean =>
    Object.hasOwn(saved.verdicts, id) && (only === null || only.includes(id))
  const limits = { ...defaultLimits, runTimeoutMs: config.recheck.timeoutMs }
  return await runChecks({
    target,
    checks: catalogue.filter((check) => isCheap(check) && isWanted(check.id)),
    helloName: asked.helloName,
    senderDomain: asked.senderDomain,
    ca: trustedCertificates(asked.caFile),
    limits,
    clock: systemClock,
    lookUpTlsa: lookUpTlsaAt(config.dns.servers[0] ?? getServers()[0] ?? '127.0.0.1'),
    maySend: false,
    signal,
    emit: () => undefined,
  })
}

/** What a report says of the checks that are meant. */
export function doneOf(
  report: Report,
  isMeant: (outcome: Outcome) => boolean,
): Extract<Look, { readonly kind: 'done' }> {
  const seen = report.outcomes.filter(isMeant).map(seenOf)
  return { kind: 'done', seen, tookMs: report.ms }
}

function seenOf({ check, finding }: Outcome): SeenVerdict {
  const { kind: verdict, summary, severity = check.severity } = finding
  return { check: check.id, severity, verdict, title: check.title, summary: short(summary) }
}

function short({ de, en }: Text): Text {
  return { de: cleanLine(de, maxTextLength), en: cleanLine(en, maxTextLength) }
}

function failed(detail: string): Look {
  return { kind: 'failed', detail: cleanLine(detail, maxTextLength) }
}

/** A CommandError is told as what it is: the file of authorities cannot be read. */
export function failureOf(error: unknown): Look {
  if (!(error instanceof CommandError)) throw error
  return failed(error.message)
}
