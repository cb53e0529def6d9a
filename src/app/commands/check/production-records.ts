// What the relay of `--config` has counted of real mail to the server that is examined.

import type { Target } from '#compliance/compliance.ts'
import type { ProductionRecord } from '#compliance/production.ts'
import { loadCounting, loadRefusals } from '#compliance/production-store.ts'
import type { CommandIo } from '#app/command.ts'
import { isOnRoute } from '#app/recheck/on-route.ts'
import { withStore } from '#app/commands/domain/store.ts'
import type { CheckRequest } from './request.ts'

/** Null: no relay was named, or nobody wants to know. Rejects with a CommandError. */
export async function productionRecords(
  { configFile, isWanted }: CheckRequest,
  target: Target,
  io: CommandIo,
): Promise<readonly ProductionRecord[] | null> {
  if (configFile === undefined || !isWanted('production-rejections')) return null
  return await withStore(configFile, io, async ({ config, registry }) => {
    const records: ProductionRecord[] = []
    for (const domain of target.domains) {
      const route = registry.find(domain)?.route
      if (route === undefined || !isOnRoute(route, target, target.addresses)) continue
      const counting = await loadCounting(config.state)
      const state = await loadRefusals(config.state, domain)
      records.push({ domain, counting, state: state?.routeId === route.id ? state : null })
    }
    return records
  })
}
