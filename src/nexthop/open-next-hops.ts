// All next hops of the relay, one target for each route in use.

import type { Route, RouteLimits } from '#registry/registry.ts'
import type { NextHops } from './nexthop.ts'
import { Target, type TargetOptions } from './target.ts'

/** Routes that nobody used for this long are forgotten when their connections are gone. */
const forgetMs = 3_600_000
/** Above this many routes the unused ones are looked for. */
const tidyAboveCount = 1024

const noLimits: RouteLimits = {
  maxConnectionCount: null,
  maxMailsPerConnection: null,
  maxRefusalsPerConnection: null,
}

export function openNextHops(options: TargetOptions): NextHops {
  const targets = new Map<string, Target>()
  let limits: ReadonlyMap<string, RouteLimits> = new Map()
  const targetOf = (route: Route): Target => {
    const known = targets.get(route.id)
    if (known !== undefined) return known
    if (targets.size >= tidyAboveCount) forgetUnused(targets, options.now())
    const target = new Target(route, options)
    const limit = limits.get(route.id)
    if (limit !== undefined) target.obey(limit)
    targets.set(route.id, target)
    return target
  }
  return {
    probe: (route, question, within) => targetOf(route).probe(question, within),
    transfer: (route, mail, within) => targetOf(route).transfer(mail, within),
    extensions: (route) => targets.get(route.id)?.extensions ?? null,
    isBreakerOpen: (route) => targets.get(route.id)?.isBreakerOpen ?? false,
    hear: ({ route, isDown, cause }) => targetOf(route).hear(isDown, cause),
    recover: async (route) => (await targets.get(route.id)?.recover()) ?? true,
    states: () => [...targets.values()].map((target) => target.state()),
    obey: (next) => {
      limits = next
      for (const [id, target] of targets) target.obey(limits.get(id) ?? noLimits)
    },
    makeRoom: (routeId, isTurn) => targets.get(routeId)?.makeRoom(isTurn),
    close: (graceMs) => closeAll(targets, graceMs),
  }
}

function forgetUnused(targets: Map<string, Target>, now: number): void {
  for (const [id, target] of targets) {
    if (now - target.lastUsedMs < forgetMs || target.connectionCount > 0) continue
    target.close()
    targets.delete(id)
  }
}

async function closeAll(targets: Map<string, Target>, graceMs: number): Promise<void> {
  const endMs = performance.now() + graceMs
  for (const target of targets.values()) target.close()
  const isBusy = (): boolean => [...targets.values()].some((target) => target.connectionCount > 0)
  while (isBusy() && performance.now() < endMs) {
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
}
