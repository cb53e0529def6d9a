// Who is examined: resolved once, and from then on nobody else is contacted.

import { failure, success, type Result } from '#base/result.ts'
import type { Resolver } from '#dns/dns.ts'
import { isIP } from '#net/address.ts'
import { randomRecipients } from './addresses.ts'
import { guardProblem, type TargetGuard } from './target-guard.ts'

/** What the tester names. */
export interface TargetRequest {
  /** A host name (A-label) or an IP address. */
  readonly host: string
  readonly port: number
  /** A-labels; the first is the one that random addresses are made in. */
  readonly domains: readonly string[]
  /** Addresses that exist, `local@domain`. */
  readonly existing: readonly string[]
  /** Addresses that do not exist. */
  readonly unknown: readonly string[]
  /** Our own addresses to connect from; empty: the system chooses. */
  readonly sources: readonly string[]
}

/** From where to where. */
export interface Vantage {
  /** Null: the system chooses. */
  readonly source: string | null
  readonly address: string
}

export interface Target extends TargetRequest {
  /** Pinned: nothing else is ever connected to. */
  readonly addresses: readonly [string, ...string[]]
  /** Each source with each address of its family. Never empty. */
  readonly vantages: readonly [Vantage, ...Vantage[]]
  /** Made for this run; nobody has them. */
  readonly random: readonly [string, string, string]
}

/** More addresses of one name are not a mail server's. */
const maxAddressCount = 16

export async function resolveTarget(
  request: TargetRequest,
  resolver: Pick<Resolver, 'addresses'>,
  signal: AbortSignal,
  /** Absent: whoever asks may connect anywhere from here anyway. */
  guard: TargetGuard | null = null,
): Promise<Result<Target>> {
  const answer = isIP(request.host)
    ? ([request.host] as const)
    : await addressesOf(request.host, resolver, signal)
  if (typeof answer === 'string') return failure(answer)
  const addresses = answer.slice(0, maxAddressCount)
  const [refused] =
    guard === null ? [] : addresses.flatMap((each) => guardProblem(guard, each, request.port) ?? [])
  if (refused !== undefined) return failure(`${request.host} may not be examined: ${refused}`)
  const [address, ...others] = addresses
  const [first, ...rest] = vantagesOf(request.sources, addresses)
  if (address === undefined || first === undefined) {
    return failure(
      `none of the source addresses is of the same family as ${request.host} (${addresses.join(', ')})`,
    )
  }
  return success({
    ...request,
    addresses: [address, ...others],
    vantages: [first, ...rest],
    random: randomRecipients(request),
  })
}

async function addressesOf(
  host: string,
  resolver: Pick<Resolver, 'addresses'>,
  signal: AbortSignal,
): Promise<readonly string[] | string> {
  const answer = await resolver.addresses(host, signal)
  switch (answer.kind) {
    case 'found':
      return answer.values
    case 'none':
      return answer.cause === 'name'
        ? `the name ${host} does not exist`
        : `${host} has no address, neither IPv4 nor IPv6`
    case 'failed':
      return `cannot look up ${host}: ${answer.detail}`
  }
}

function vantagesOf(sources: readonly string[], addresses: readonly string[]): readonly Vantage[] {
  if (sources.length === 0) return addresses.map((address) => ({ source: null, address }))
  return sources.flatMap((source) =>
    addresses
      .filter((address) => address.includes(':') === source.includes(':'))
      .map((address) => ({ source, address })),
  )
}

export function isIpv6(vantage: Vantage): boolean {
  return vantage.address.includes(':')
}

/** `192.0.2.1 → 198.51.100.7` */
export function vantageText({ source, address }: Vantage): string {
  return source === null ? address : `${source} → ${address}`
}
