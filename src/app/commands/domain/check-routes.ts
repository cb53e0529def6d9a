// Do the routes of these domains lead back to the relay? Asks the DNS as the relay will.

import { CommandError, type CommandIo } from '#app/command.ts'
import { describeSelf } from '#app/destinations.ts'
import { systemClock } from '#base/clock.ts'
import { cleanLine } from '#base/text.ts'
import type { Config } from '#config/config.ts'
import type { DnsAnswer, Resolver } from '#dns/dns.ts'
import { openResolver } from '#dns/open-resolver.ts'
import { leadsBack, type LookUpAnswer, type Place } from '#registry/leads-back.ts'
import type { Endpoint, ServedDomain } from '#registry/registry.ts'

/** A file of hundreds of domains is looked up in seconds, and the name server is not flooded. */
const parallelCount = 16

/**
 * Refuses routes that lead back to the relay, with one line a domain (CommandError). Resolves to a
 * warning for each endpoint that could not be looked up.
 */
export async function checkRoutes(
  domains: readonly Pick<ServedDomain, 'domain' | 'route' | 'calloutRoute'>[],
  config: Config,
  io: CommandIo,
): Promise<readonly string[]> {
  const resolver = openResolver({ ...config.dns, clock: systemClock, cacheEntryCount: 10_000 })
  const self = describeSelf(config)
  const loops: string[] = []
  const warnings: string[] = []
  const rest = domains.values()
  const work = async (): Promise<void> => {
    for (const { domain, route, calloutRoute } of rest) {
      const answer = await leadsBack([route, calloutRoute], self, (endpoint) =>
        lookUp(endpoint, resolver, io.signal),
      )
      if (answer.kind === 'leads-away') {
        warnings.push(...answer.warnings.map((text) => cleanLine(`${domain}: ${text}`, 300)))
      } else {
        loops.push(`${domain}: ${answer.endpoint} leads back to this relay: ${answer.detail}`)
      }
    }
  }
  try {
    await Promise.all(Array.from({ length: parallelCount }, work))
  } finally {
    resolver.close()
  }
  if (io.signal.aborted) throw new CommandError('interrupted; nothing was changed')
  if (loops.length > 0) {
    throw new CommandError(`${loops.sort().join('\n')}\nname the institute's own server instead`)
  }
  return warnings.sort()
}

async function lookUp(
  endpoint: Endpoint,
  resolver: Resolver,
  signal: AbortSignal,
): Promise<LookUpAnswer> {
  const { port } = endpoint
  switch (endpoint.kind) {
    case 'address':
      return { kind: 'found', places: [{ host: null, address: endpoint.address, port }] }
    case 'host':
      return await lookUpHost(endpoint.host, port, resolver, signal)
    case 'mx':
      return await lookUpMx(endpoint.name, port, resolver, signal)
  }
}

async function lookUpHost(
  host: string,
  port: number,
  resolver: Resolver,
  signal: AbortSignal,
): Promise<LookUpAnswer> {
  const answer = await resolver.addresses(host, signal)
  if (answer.kind !== 'found') return unknown(answer, 'has no address')
  return { kind: 'found', places: answer.values.map((address) => ({ host, address, port })) }
}

/** RFC 5321 §5.1: without MX records the name itself is the target. */
async function lookUpMx(
  name: string,
  port: number,
  resolver: Resolver,
  signal: AbortSignal,
): Promise<LookUpAnswer> {
  const answer = await resolver.mx(name, signal)
  if (answer.kind === 'none' && answer.cause === 'type') {
    return await lookUpHost(name, port, resolver, signal)
  }
  if (answer.kind !== 'found') return unknown(answer, 'has no MX record')
  const targets = answer.values
    .map(({ exchange }) => exchange)
    .filter((exchange) => exchange !== '')
  if (targets.length === 0) return { kind: 'unknown', detail: 'takes no mail (null MX, RFC 7505)' }
  const places = await Promise.all(
    targets.map(async (host): Promise<readonly Place[]> => {
      const found = await lookUpHost(host, port, resolver, signal)
      return found.kind === 'found' ? found.places : [{ host, address: null, port }]
    }),
  )
  return { kind: 'found', places: places.flat() }
}

function unknown(
  answer: Exclude<DnsAnswer<unknown>, { kind: 'found' }>,
  nothing: string,
): LookUpAnswer {
  if (answer.kind === 'failed') {
    return { kind: 'unknown', detail: `could not be looked up (${answer.detail})` }
  }
  return {
    kind: 'unknown',
    detail: answer.cause === 'name' ? 'does not exist in the DNS' : nothing,
  }
}
