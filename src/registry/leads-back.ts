// Would mail for an endpoint come back to this relay? RFC 5321 §6.3 leaves loops to hop counting, which
// ends them after fifty rounds with a refusal the sender cannot understand; here the route is refused.

import { canonicalAddress, isIpv4 } from './ip-address.ts'
import type { Endpoint, Route } from './registry.ts'
import { formatEndpoint } from './route.ts'

export interface ListeningSocket {
  /** `0.0.0.0` and `::` mean every address of the machine. */
  readonly address: string
  readonly port: number
}

/** What the relay knows of itself. */
export interface RelaySelf {
  /** A-label, lower case. */
  readonly hostname: string
  readonly listeners: readonly ListeningSocket[]
  /** All addresses of the machine's interfaces. */
  readonly interfaceAddresses: readonly string[]
}

/** A place an endpoint resolved to. */
export interface Place {
  /** The host name or MX target it came from; null for an address literal. */
  readonly host: string | null
  /** Null: an MX target whose address is not known. */
  readonly address: string | null
  readonly port: number
}

/** `unknown`: no address, or no answer; `detail` is for people. Never rejects. */
export type LookUpAnswer =
  | { readonly kind: 'found'; readonly places: readonly Place[] }
  | { readonly kind: 'unknown'; readonly detail: string }

export type LookUp = (endpoint: Endpoint) => Promise<LookUpAnswer>

export type LeadsBack =
  | { readonly kind: 'leads-back'; readonly endpoint: string; readonly detail: string }
  /** Nothing leads back as far as is known; each endpoint nobody knows is a warning. */
  | { readonly kind: 'leads-away'; readonly warnings: readonly string[] }

/**
 * Looks every endpoint of the routes up. One that cannot be looked up is a warning and no refusal:
 * an institute's DNS may be set up after its domain is added, or be down just now.
 */
export async function leadsBack(
  routes: readonly Route[],
  self: RelaySelf,
  lookUp: LookUp,
): Promise<LeadsBack> {
  const endpoints = new Map<string, Endpoint>()
  for (const route of routes) {
    for (const endpoint of route.endpoints) endpoints.set(formatEndpoint(endpoint), endpoint)
  }
  const warnings: string[] = []
  for (const [text, endpoint] of endpoints) {
    const answer = await lookUp(endpoint)
    if (answer.kind === 'unknown') {
      warnings.push(`${text}: ${answer.detail}`)
      continue
    }
    for (const place of answer.places) {
      const detail = howOwn(endpoint, place, self)
      if (detail !== undefined) return { kind: 'leads-back', endpoint: text, detail }
    }
  }
  return { kind: 'leads-away', warnings }
}

/** How the place is the relay itself, in words, or undefined when it is not. */
function howOwn(endpoint: Endpoint, place: Place, self: RelaySelf): string | undefined {
  if (endpoint.kind === 'mx' && place.host === self.hostname) {
    return `${self.hostname}, this relay, is among its MX records`
  }
  if (place.address === null || !isOwnListener(place.address, place.port, self)) return undefined
  const address = canonicalAddress(place.address)
  const at =
    address?.includes(':') === true ? `[${address}]:${place.port}` : `${address}:${place.port}`
  return `${at} is where this relay listens`
}

/** Does a connection to that address and port arrive at the relay? False for what is not an address. */
export function isOwnListener(address: string, port: number, self: RelaySelf): boolean {
  const canonical = canonicalAddress(address)
  return self.listeners.some(
    (each) => each.port === port && canonical !== undefined && reaches(canonical, each, self),
  )
}

/** Does a connection to `address` arrive at the listener? (Its port is compared already.) */
function reaches(address: string, listener: ListeningSocket, self: RelaySelf): boolean {
  const listening = canonicalAddress(listener.address)
  if (listening === address) return true
  const isOwn = isThisMachine(address, self)
  if (!isOwn) return false
  if (listening === '::') return true // dual-stack, as Node opens it
  if (listening === '0.0.0.0') return isIpv4(address)
  return isUnspecified(address) && (listening === '127.0.0.1' || listening === '::1')
}

function isThisMachine(address: string, { interfaceAddresses }: RelaySelf): boolean {
  if (isUnspecified(address) || address === '::1' || address.startsWith('127.')) return true
  return interfaceAddresses.some((each) => canonicalAddress(each) === address)
}

/** Connecting to it means connecting to the machine itself (Linux, the BSDs). */
function isUnspecified(address: string): boolean {
  return address === '0.0.0.0' || address === '::'
}
