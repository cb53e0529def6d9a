// Endpoints and routes: what an operator writes behind `--to`, and the one spelling it is kept in.

import { createHash } from 'node:crypto'
import { failure, success, type Result } from '#base/result.ts'
import { parseDomain } from '#smtp/domain-name.ts'
import { canonicalAddress } from './ip-address.ts'
import type { Endpoint, Route, TlsPolicy, TlsTrust } from './registry.ts'

const smtpPort = 25 // RFC 5321 §4.5.4.2

/** Longer than any host name with prefix and port in Unicode; keeps error texts short. */
const maxEndpointLength = 600

/**
 * Reads `mail.inst.example:25`, `mail.inst.example`, `192.0.2.7:25`, `[2001:db8::7]:25`,
 * `2001:db8::7`, `mx:inst.example`; without a port it is 25. The problem names the text.
 */
export function parseEndpoint(text: string): Result<Endpoint> {
  if (text.length > maxEndpointLength) return failure('the endpoint is too long')
  const written = text.trim()
  if (/^mx:/i.test(written)) return parseMx(written)
  const bare = canonicalAddress(written)
  if (bare !== undefined) return success({ kind: 'address', address: bare, port: smtpPort })
  const bracketed = /^\[([^\]]*)\](?::(.*))?$/.exec(written)
  if (bracketed !== null) return parseLiteral(written, bracketed[1] ?? '', bracketed[2])
  return parseHost(written)
}

/** The canonical text: with the port, except for `mx:NAME` on port 25. `parseEndpoint` takes it back. */
export function formatEndpoint(endpoint: Endpoint): string {
  switch (endpoint.kind) {
    case 'host':
      return `${endpoint.host}:${endpoint.port}`
    case 'address':
      return endpoint.address.includes(':')
        ? `[${endpoint.address}]:${endpoint.port}`
        : `${endpoint.address}:${endpoint.port}`
    case 'mx':
      return endpoint.port === smtpPort
        ? `mx:${endpoint.name}`
        : `mx:${endpoint.name}:${endpoint.port}`
  }
}

export const noTrust: TlsTrust = Object.freeze({ names: [], ca: null, pins: [] })

/** A route with its canonical id; an endpoint written twice is kept once, at its first place. */
export function createRoute(
  endpoints: readonly [Endpoint, ...Endpoint[]],
  tls: TlsPolicy,
  { trust = noTrust, isXclient = false }: Partial<Pick<Route, 'trust' | 'isXclient'>> = {},
): Route {
  const byText = new Map(endpoints.map((endpoint) => [formatEndpoint(endpoint), endpoint]))
  const [first = endpoints[0], ...rest] = byText.values()
  const id = `${[...byText.keys()].join(',')} tls=${tls}${trustText(trust)}${isXclient ? ' xclient' : ''}`
  return { id, endpoints: [first, ...rest], tls, trust, isXclient }
}

/**
 * Connections are shared by id, so whatever decides if a server is believed is part of it: a connection
 * that was good enough for one domain must not carry the mail of a stricter one.
 */
function trustText({ names, ca, pins }: TlsTrust): string {
  if (names.length === 0 && ca === null && pins.length === 0) return ''
  const digest = createHash('sha256')
    .update(JSON.stringify([names, ca, pins]))
    .digest('hex')
  return `:${digest.slice(0, 16)}`
}

function parseMx(written: string): Result<Endpoint> {
  const [text, portText] = splitPort(written.slice('mx:'.length))
  const name = parseDomain(text)
  if (!name.ok) return failure(`${quoted(written)}: ${name.problem}`)
  const port = parsePort(portText)
  if (!port.ok) return failure(`${quoted(written)}: ${port.problem}`)
  return success({ kind: 'mx', name: name.value, port: port.value })
}

function parseLiteral(
  written: string,
  text: string,
  portText: string | undefined,
): Result<Endpoint> {
  const address = canonicalAddress(text)
  if (address === undefined) return failure(`${quoted(written)}: not an IP address in the brackets`)
  const port = parsePort(portText)
  if (!port.ok) return failure(`${quoted(written)}: ${port.problem}`)
  return success({ kind: 'address', address, port: port.value })
}

function parseHost(written: string): Result<Endpoint> {
  const [text, portText] = splitPort(written)
  const port = parsePort(portText)
  const address = canonicalAddress(text)
  const host = parseDomain(text)
  if (!port.ok) return failure(`${quoted(written)}: ${port.problem}`)
  if (address !== undefined) return success({ kind: 'address', address, port: port.value })
  if (!host.ok) return failure(`${quoted(written)}: ${host.problem}`)
  // With its port it would be read as the MX records of a domain.
  if (host.value === 'mx') return failure(`${quoted(written)}: write the whole name of the host`)
  return success({ kind: 'host', host: host.value, port: port.value })
}

function splitPort(text: string): readonly [string, string | undefined] {
  const colon = text.lastIndexOf(':')
  return colon === -1 ? [text, undefined] : [text.slice(0, colon), text.slice(colon + 1)]
}

function parsePort(text: string | undefined): Result<number> {
  if (text === undefined) return success(smtpPort)
  const port = /^\d{1,5}$/.test(text) ? Number(text) : 0
  return port >= 1 && port <= 65_535 ? success(port) : failure('a port is a number from 1 to 65535')
}

function quoted(text: string): string {
  return JSON.stringify(text.length > 80 ? `${text.slice(0, 79)}…` : text)
}
