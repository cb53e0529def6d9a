// What the rechecks of all domains have found, for `pforte status`.

import type { FindingKind, Severity } from '#compliance/compliance.ts'
import { standingChanges } from '#compliance/recheck.ts'
import type { Config } from '#config/config.ts'
import type { Registry } from '#registry/registry.ts'
import { recheckStateOf } from './recheck-domain.ts'
import { listWatched } from './watched.ts'

export interface ChangedVerdict {
  readonly domain: string
  readonly check: string
  readonly severity: Severity
  readonly was: FindingKind
  readonly verdict: FindingKind
  readonly sinceMs: number
}

export interface RecheckStatus {
  readonly mode: Config['recheck']['mode']
  /** Served, and examined with --save. */
  readonly domainCount: number
  /** Wall time; null: none yet. */
  readonly lastAtMs: number | null
  /** Domains whose last look found nothing out. */
  readonly failedDomains: readonly string[]
  readonly changedCount: number
  /** The first ones, of requirements before others. */
  readonly changed: readonly ChangedVerdict[]
}

/** More than people read at once. */
const maxListedCount = 50

export async function recheckStatus(
  { state: folder, recheck }: Pick<Config, 'state' | 'recheck'>,
  registry: Pick<Registry, 'find'>,
): Promise<RecheckStatus> {
  const changed: ChangedVerdict[] = []
  const failedDomains: string[] = []
  const domains = new Set<string>()
  let lastAtMs: number | null = null
  for (const watched of await listWatched(folder)) {
    const { domain } = watched
    const known = registry.find(domain) === undefined ? null : await recheckStateOf(folder, watched)
    if (known === null) continue
    const { saved, state } = known
    domains.add(domain)
    if (state.last !== null) lastAtMs = Math.max(lastAtMs ?? 0, state.last.atMs)
    if (state.last !== null && state.last.failure !== null) failedDomains.push(domain)
    for (const { check, severity, verdict, atMs: sinceMs } of standingChanges(saved, state)) {
      const was = saved.verdicts[check] ?? 'undetermined'
      changed.push({ domain, check, severity, was, verdict, sinceMs })
    }
  }
  const inOrder = changed.toSorted((one, other) => rank(one) - rank(other))
  return {
    mode: recheck.mode,
    domainCount: domains.size,
    lastAtMs,
    failedDomains: failedDomains.slice(0, maxListedCount),
    changedCount: changed.length,
    changed: inOrder.slice(0, maxListedCount),
  }
}

function rank({ severity, verdict }: ChangedVerdict): number {
  return (severity === 'must' ? 0 : 2) + (verdict === 'violated' ? 0 : 1)
}
