// `pforte check --save`: what was measured becomes what the relay does for the domains.

import type { Report } from '#compliance/compliance.ts'
import {
  stateAfterSaving,
  stateFor,
  type Baseline,
  type RecheckState,
} from '#compliance/recheck.ts'
import { loadRecheck, saveRecheck } from '#compliance/recheck-store.ts'
import {
  loadProfile,
  savedProfileOf,
  saveProfile,
  type SavedProfile,
} from '#compliance/profile-store.ts'
import { withEarlier } from '#compliance/merge-saved.ts'
import { disagreementSince } from '#compliance/dns/check-domain.ts'
import { loadZone, savedZoneOf, saveZone, type SavedZone } from '#compliance/zone-store.ts'
import { CommandError, type CommandIo } from '#app/command.ts'
import { isOnRoute } from '#app/recheck/on-route.ts'
import { findChangeable, withStore } from '#app/commands/domain/store.ts'
import { obeyReport } from './obey.ts'

/** Before anything is examined: a run that cannot be saved shall not be made. */
export async function checkSavable(
  domains: readonly string[],
  configFile: string | undefined,
  io: CommandIo,
): Promise<void> {
  if (domains.length === 0) throw new CommandError('--save needs a domain: --domain NAME')
  await withStore(configFile, io, ({ registry }) => {
    for (const domain of domains) findChangeable(registry, domain)
  })
}

/** Tells on standard error what has changed. An incomplete run changes nothing. */
export async function saveReport(
  report: Report,
  how: Parameters<typeof savedProfileOf>[2],
  configFile: string | undefined,
  io: CommandIo,
): Promise<void> {
  if (!report.isComplete) {
    io.stderr('pforte check: not saved, the run was stopped\n')
    return
  }
  await withStore(configFile, io, async ({ config, registry, nowMs }) => {
    for (const domain of report.target.domains) {
      const served = findChangeable(registry, domain)
      const before = await loadProfile(config.state, domain)
      const saved = withEarlier(savedProfileOf(report, domain, how), before)
      const state = await stateOf(config.state, saved, before, report)
      await saveProfile(config.state, saved)
      await saveRecheck(config.state, 'server', state)
      tellChanges(saved, before, io)
      for (const line of obeyReport(report, served, registry, nowMs)) io.stderr(`${line}\n`)
      const routes = [served.route, served.calloutRoute]
      if (!routes.some((route) => isOnRoute(route, report.target, report.target.addresses))) {
        io.stderr(
          `${domain}: its mail does not go to ${saved.server}, which the relay will not look at again\n`,
        )
      }
      io.stderr(`${domain}: profile saved; see pforte domain profile ${domain}\n`)
    }
  })
}

/** What the relay has seen since of checks that this run left out is still so. */
async function stateOf(
  folder: string,
  saved: SavedProfile,
  before: SavedProfile | null,
  report: Report,
): Promise<RecheckState> {
  const isOfSame = before !== null && before.server === saved.server
  const known = isOfSame
    ? stateFor(before, await loadRecheck(folder, 'server', saved.domain))
    : null
  const lookedAt = new Set(report.outcomes.map(({ check }) => check.id))
  return stateAfterSaving(saved, lookedAt, known)
}

/** As `saveReport`, of the DNS of a domain. */
export async function saveZoneReport(
  report: Report,
  asked: SavedZone['asked'],
  configFile: string | undefined,
  io: CommandIo,
): Promise<void> {
  if (!report.isComplete) {
    io.stderr('pforte check dns: not saved, the run was stopped\n')
    return
  }
  await withStore(configFile, io, async ({ config }) => {
    const saved = savedZoneOf(report, asked)
    tellChanges(saved, await loadZone(config.state, saved.domain), io)
    const known = await loadRecheck(config.state, 'zone', saved.domain)
    const disagreesSinceMs = disagreementSince(report, known?.disagreesSinceMs ?? null)
    await saveZone(config.state, saved)
    await saveRecheck(config.state, 'zone', { ...stateFor(saved, null), disagreesSinceMs })
    io.stderr(`${saved.domain}: saved; see pforte domain recheck ${saved.domain}\n`)
  })
}

function tellChanges(saved: Baseline, before: Baseline | null, io: CommandIo): void {
  for (const [id, verdict] of Object.entries(saved.verdicts)) {
    const old = before?.verdicts[id]
    if (old !== undefined && old !== verdict)
      io.stderr(`${saved.domain}: ${id} was ${old}, is ${verdict}\n`)
  }
}
