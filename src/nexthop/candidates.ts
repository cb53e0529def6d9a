// Where a route leads: the addresses to be tried, in order.

import type { Resolver } from '#dns/dns.ts'
import type { Endpoint, Route } from '#registry/registry.ts'
import type { NoAnswer } from './nexthop.ts'

export interface Candidate {
  /** The name for people and for the certificate: a host name, or the address itself. */
  readonly server: string
  readonly address: string
  readonly port: number
}

/** A route may not cost more attempts than this, whatever the DNS says. */
const maxCandidateCount = 16

/** The name shown for a route before any address of it is known. */
export function routeName(route: Route): string {
  const [endpoint] = route.endpoints
  switch (endpoint.kind) {
    case 'host':
      return endpoint.host
    case 'address':
      return endpoint.address
    case 'mx':
      return endpoint.name
  }
}

/**
 * Looks an endpoint of the route up only when those before it were of no use. Never rejects.
 * @yields the candidates in order; for an endpoint that leads nowhere, the reason
 */
export async function* findCandidates(
  route: Route,
  resolver: Resolver,
  signal: AbortSignal | null,
): AsyncGenerator<Candidate | NoAnswer> {
  let leftCount = maxCandidateCount
  for (const endpoint of route.endpoints) {
    const found = await ofEndpoint(endpoint, resolver, signal)
    if (typeof found === 'string') {
      yield { kind: 'dns', stage: 'dns', detail: found, reply: null }
      continue
    }
    yield* found.slice(0, leftCount)
    leftCount -= found.length
    if (leftCount <= 0) return
  }
}

async function ofEndpoint(
  endpoint: Endpoint,
  resolver: Resolver,
  signal: AbortSignal | null,
): Promise<readonly Candidate[] | string> {
  switch (endpoint.kind) {
    case 'address':
      return [{ server: endpoint.address, address: endpoint.address, port: endpoint.port }]
    case 'host':
      return ofHost(endpoint.host, endpoint.port, resolver, signal)
    case 'mx':
      return ofMx(endpoint.name, endpoint.port, resolver, signal)
  }
}

async function ofHost(
  host: string,
  port: number,
  resolver: Resolver,
  signal: AbortSignal | null,
): Promise<readonly Candidate[] | string> {
  const answer = await resolver.addresses(host, signal)
  if (answer.kind === 'none') return `${host} has no address in the DNS`
  if (answer.kind === 'failed') return `the DNS gave no address of ${host}: ${answer.detail}`
  return answer.values.map((address) => ({ server: host, address, port }))
}

async function ofMx(
  name: string,
  port: number,
  resolver: Resolver,
  signal: AbortSignal | null,
): Promise<readonly Candidate[] | string> {
  const answer = await resolver.mx(name, signal)
  if (answer.kind === 'none') return `${name} has no MX record in the DNS`
  if (answer.kind === 'failed') return `the DNS gave no MX record of ${name}: ${answer.detail}`
  const found: Candidate[] = []
  let problem = `${name} takes no mail (null MX)` // RFC 7505
  for (const { exchange } of answer.values.slice(0, maxCandidateCount)) {
    if (exchange === '') continue
    const result = await ofHost(exchange, port, resolver, signal)
    if (typeof result === 'string') problem = result
    else found.push(...result)
  }
  return found.length > 0 ? found : problem
}
