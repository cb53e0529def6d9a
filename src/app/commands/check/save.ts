// `pforte check --save`: what was measured becomes what the relay does for the domains.

import type { Report } from '#compliance/compliance.ts'
import { loadProfile, savedProfileOf, saveProfile } from '#compliance/profile-store.ts'
import { CommandError, type CommandIo } from '#app/command.ts'
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
      const saved = savedProfileOf(report, domain)
      await saveProfile(config.state, saved)
      for (const [id, verdict] of Object.entries(saved.verdicts)) {
        const old = before?.verdicts[id]
        if (old !== undefined && old !== verdict)
          io.stderr(`${domain}: ${id} was ${old}, is ${verdict}\n`)
      }
      for (const line of obeyReport(report, served, registry, nowMs)) io.stderr(`${line}\n`)
      io.stderr(`${domain}: profile saved; see pforte domain profile ${domain}\n`)
    }
  })
}
