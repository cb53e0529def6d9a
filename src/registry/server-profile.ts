// What is known of a server: by hand and by measurement, and what of both is in force.

import type {
  MeasuredProfile,
  Route,
  RouteLimits,
  ServedDomain,
  ServerProfile,
} from './registry.ts'

/** Nothing is known, so the usual holds. */
export const unknownProfile: ServerProfile = Object.freeze({
  maxMessageBytes: null,
  takesSmtpUtf8: null,
  takes8BitMime: null,
  maxConnectionCount: null,
  maxMailsPerConnection: null,
  calloutSender: null,
  refusesAtData: null,
  maxLineBytes: null,
})

export type ProfileKey = keyof ServerProfile

export const profileKeys: readonly ProfileKey[] = Object.keys(
  unknownProfile,
) as readonly ProfileKey[]

/** The domain with another measurement. What was set by hand stays in force. */
export function withMeasured(served: ServedDomain, measured: MeasuredProfile | null): ServedDomain {
  return { ...served, measured, profile: profileInForce(served.byHand, measured) }
}

export function profileInForce(
  byHand: ServerProfile,
  measured: MeasuredProfile | null,
): ServerProfile {
  if (measured === null) return byHand
  const set = Object.entries(byHand).filter(([, value]) => value !== null)
  return { ...measured.profile, ...Object.fromEntries(set) }
}

/** What was measured is of a server: it does not hold for the one another route leads to. */
export function isOfSameServer(
  a: { readonly route: Route },
  b: { readonly route: Route },
): boolean {
  const placesOf = ({ route }: { readonly route: Route }): string => JSON.stringify(route.endpoints)
  return placesOf(a) === placesOf(b)
}

/**
 * By Route.id; a route without a limit is not in it. Several domains may share a server, and then the least
 * of their limits is its limit.
 */
export function routeLimits(domains: Iterable<ServedDomain>): ReadonlyMap<string, RouteLimits> {
  const limits = new Map<string, RouteLimits>()
  for (const { route, calloutRoute, profile, measured } of domains) {
    const { maxConnectionCount, maxMailsPerConnection } = profile
    const refusals = measured?.maxRefusalsPerConnection ?? null
    if (maxConnectionCount === null && maxMailsPerConnection === null && refusals === null) continue
    for (const id of new Set([route.id, calloutRoute.id])) {
      const known = limits.get(id)
      limits.set(id, {
        maxConnectionCount: least(known?.maxConnectionCount ?? null, maxConnectionCount),
        maxMailsPerConnection: least(known?.maxMailsPerConnection ?? null, maxMailsPerConnection),
        maxRefusalsPerConnection: least(known?.maxRefusalsPerConnection ?? null, refusals),
      })
    }
  }
  return limits
}

function least(a: number | null, b: number | null): number | null {
  return a === null ? b : b === null ? a : Math.min(a, b)
}
