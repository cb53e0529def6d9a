// Where a route leads: the addresses to be tried, in order.

import type { Resolver } from '#dns/dns.ts'
import type { Endpoint, Route } from '#registry/registry.ts'
import type { NoAnswer, ObjectionTo } from './nexthop.ts'

export interface Candidate {
  /** The name for people and for SNI: a host name, or the address itself. */
  readonly server: string
  /** The certificate needs one of these; a leading dot stands for every name below. */
  readonly names: readonly string[]
  readonly address: string
  readonly port: number
}

/** What the relay knows of itself, and where it does not go. */
export interface CandidateRules {
  /** Lower case. As the target of an MX record it is where the list ends (RFC 5321 §5.1). */
  readonly hostname: string
  readonly objectionTo: ObjectionTo
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
  rules: CandidateRules,
  signal: AbortSignal | null,
): AsyncGenerator<Candidate | NoAnswer> {
  let leftCount = maxCandidateCount
  for (const endpoint of route.endpoints) {
    const found = await ofEndpoint(endpoint, { resolver, rules, signal })
    const names = namesFor(endpoint, route)
    if (typeof found === 'string') {
      yield { kind: 'dns', stage: 'dns', detail: found, reply: null }
      continue
    }
    for (const place of found.slice(0, leftCount)) yield { ...place, names }
    leftCount -= found.length
    if (leftCount <= 0) return
  }
}

interface LookUp {
  readonly resolver: Resolver
  readonly rules: CandidateRules
  readonly signal: AbortSignal | null
}

/** One whose names are not known yet. */
type Place = Omit<Candidate, 'names'>

/** Places, or in words why there are none. */
type Found = readonly Place[] | string

/**
 * The names in MX records come from the DNS, where an attacker can put his own: as Postfix's level `secure`
 * does, the certificate has to be for the domain itself or a name below it.
 */
function namesFor(endpoint: Endpoint, { trust }: Route): readonly string[] {
  if (trust.names.length > 0) return trust.names
  switch (endpoint.kind) {
    case 'host':
      return [endpoint.host]
    case 'address':
      return [endpoint.address]
    case 'mx':
      return [endpoint.name, `.${endpoint.name}`]
  }
}

async function ofEndpoint(endpoint: Endpoint, lookUp: LookUp): Promise<Found> {
  switch (endpoint.kind) {
    case 'address':
      return ofAddress(endpoint.address, endpoint.port, lookUp)
    case 'host': {
      const { found } = await ofHost(
        endpoint.host,
        endpoint.port,
        lookUp,
        isLocalhost(endpoint.host),
      )
      return found
    }
    case 'mx':
      return ofMx(endpoint.name, endpoint.port, lookUp)
  }
}

/** Somebody wrote this very address down, so only a loop speaks against it. */
function ofAddress(address: string, port: number, { rules }: LookUp): Found {
  const objection = rules.objectionTo({ address, port, isFromDns: false })
  return objection === null ? [{ server: address, address, port }] : objection.words
}

/** RFC 6761 §6.3: no name server is asked for it, so a route with this name says where it leads. */
function isLocalhost(host: string): boolean {
  return host === 'localhost' || host.endsWith('.localhost')
}

/**
 * `isLiteral`: the name is as good as its address.
 * @returns `isOwn`: one of its addresses is the relay itself
 */
async function ofHost(
  host: string,
  port: number,
  { resolver, rules, signal }: LookUp,
  isLiteral = false,
): Promise<{ readonly found: Found; readonly isOwn: boolean }> {
  const answer = await resolver.addresses(host, signal)
  if (answer.kind === 'none') return { found: `${host} has no address in the DNS`, isOwn: false }
  if (answer.kind === 'failed') {
    return { found: `the DNS gave no address of ${host}: ${answer.detail}`, isOwn: false }
  }
  const objections = answer.values.map((address) =>
    rules.objectionTo({ address, port, isFromDns: !isLiteral }),
  )
  const candidates = answer.values
    .filter((_, index) => objections[index] === null)
    .map((address) => ({ server: host, address, port }))
  const [first] = objections.filter((objection) => objection !== null)
  const words = `the DNS says that ${host} is at ${answer.values[0]}: ${first?.words}`
  return {
    found: candidates.length > 0 ? candidates : words,
    isOwn: objections.some((objection) => objection?.isOwn === true),
  }
}

async function ofMx(name: string, port: number, lookUp: LookUp): Promise<Found> {
  const answer = await lookUp.resolver.mx(name, lookUp.signal)
  if (answer.kind === 'none') return `${name} has no MX record in the DNS`
  if (answer.kind === 'failed') return `the DNS gave no MX record of ${name}: ${answer.detail}`
  const found: { readonly candidates: readonly Place[]; readonly preference: number }[] = []
  let problem = `${name} takes no mail (null MX)` // RFC 7505
  let ownPreference = Infinity
  for (const { exchange, preference } of answer.values.slice(0, maxCandidateCount)) {
    if (exchange === '') continue
    if (preference >= ownPreference) break
    const result = await ofHost(exchange, port, lookUp)
    if (result.isOwn || exchange.toLowerCase() === lookUp.rules.hostname) {
      ownPreference = preference
      problem = `${exchange}, this relay itself, is the best of the MX records of ${name} that are left`
    } else if (typeof result.found === 'string') problem = result.found
    else found.push({ candidates: result.found, preference })
  }
  // RFC 5321 §5.1: whoever finds itself in the list goes to those before it only, or the mail circles.
  const before = found.filter(({ preference }) => preference < ownPreference)
  return before.length > 0 ? before.flatMap(({ candidates }) => candidates) : problem
}
