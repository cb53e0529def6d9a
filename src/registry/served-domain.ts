// Served domains as people write them (the plain document of export, apply and the store) and as the
// program uses them. There is one way from one to the other, so whatever was stored can be read back.

import { failure, success, type Result } from '#base/result.ts'
import { formatSize, parseSize } from '#base/units.ts'
import { parseDomain } from '#smtp/domain-name.ts'
import type {
  Endpoint,
  ReplyPattern,
  Route,
  ServedDomain,
  ServerProfile,
  TlsPolicy,
} from './registry.ts'
import { createRoute, formatEndpoint, parseEndpoint } from './route.ts'
import { isOfSameServer, withMeasured } from './server-profile.ts'
import { parseTrust } from './tls-trust.ts'

/** Keys as in the YAML of `pforte domain export`. Strings are as people write them, not yet checked. */
export interface DomainDocument {
  readonly domain: string
  /** Endpoints, tried in order. */
  readonly to: readonly string[]
  /** Endpoints asked for recipients; absent: those of `to`. */
  readonly callout?: readonly string[]
  /** Absent: opportunistic. */
  readonly tls?: TlsPolicy
  /** With `verify`: other names than the server's own; `.inst.example` is every name below. */
  readonly tlsNames?: readonly string[]
  /** With `verify`: PEM certificates of the only authorities to be believed. */
  readonly tlsCa?: string
  /** With `pin`: SHA-256 of public keys, `sha256//BASE64`. */
  readonly tlsPins?: readonly string[]
  /** True: a server that offers XCLIENT is told whose mail it is. */
  readonly xclient?: true
  /** `50MiB`; absent: the relay's own limit. */
  readonly maxSize?: string
  /** What the server takes, by hand; absent: what was measured, or what it says itself. */
  readonly smtpUtf8?: boolean
  readonly eightBitMime?: boolean
  /** At a time, for questions and mails together. */
  readonly maxConnections?: number
  readonly mailsPerConnection?: number
  /** `null-path`: MAIL FROM:<>; `mailbox`: the relay's own sender. */
  readonly calloutSender?: 'null-path' | 'mailbox'
  readonly refusesAtData?: boolean
  /** In bytes, without CR LF. */
  readonly maxLine?: number
  readonly subaddressSeparator?: string
  readonly replyPatterns?: readonly ReplyPattern[]
  /** The reason, or true without one. */
  readonly suspended?: string | true
  readonly contact?: string
}

/** What is wrong, and where in the document: `['to', 1]`. */
export interface DomainProblem {
  readonly path: readonly (string | number)[]
  readonly text: string
}

/** RFC 5321 §4.5.3.1.7: at least 64K octets of content have to be taken. */
const minMaxMessageBytes = 65_536

/** Checks a document. `nowMs` becomes the time of creation, change and suspension. */
export function createServedDomain(
  document: DomainDocument,
  nowMs: number,
): Result<ServedDomain, DomainProblem> {
  const domain = parseDomain(document.domain)
  if (!domain.ok)
    return problem(['domain'], `${JSON.stringify(document.domain)}: ${domain.problem}`)
  const tls = document.tls ?? 'opportunistic'
  const trust = parseTrust(tls, document)
  if (!trust.ok) return trust
  const rest = { tls, trust: trust.value, isXclient: document.xclient ?? false }
  const route = parseRoute('to', document.to, rest)
  if (!route.ok) return route
  const callout = parseRoute('callout', document.callout ?? document.to, rest)
  if (!callout.ok) return callout
  const maxMessageBytes = parseMaxSize(document.maxSize)
  if (!maxMessageBytes.ok) return maxMessageBytes
  const separator = parseSeparator(document.subaddressSeparator)
  if (!separator.ok) return separator
  const byHand = profileOf(document, maxMessageBytes.value)
  return success({
    domain: domain.value,
    suspension:
      document.suspended === undefined
        ? null
        : { reason: document.suspended === true ? '' : document.suspended, sinceMs: nowMs },
    route: route.value,
    calloutRoute: callout.value,
    profile: byHand,
    byHand,
    measured: null,
    subaddressSeparator: separator.value,
    replyPatterns: (document.replyPatterns ?? []).map(({ text, means }) => ({ text, means })),
    contact: document.contact ?? '',
    createdAtMs: nowMs,
    changedAtMs: nowMs,
  })
}

/** The document that `createServedDomain` takes back; what is at its default is left out. */
export function toDomainDocument(served: ServedDomain): DomainDocument {
  const { route, calloutRoute, suspension, byHand } = served
  return {
    domain: served.domain,
    to: route.endpoints.map(formatEndpoint),
    ...(calloutRoute.id !== route.id && { callout: calloutRoute.endpoints.map(formatEndpoint) }),
    ...(route.tls !== 'opportunistic' && { tls: route.tls }),
    ...(route.trust.names.length > 0 && { tlsNames: route.trust.names }),
    ...(route.trust.ca !== null && { tlsCa: route.trust.ca }),
    ...(route.trust.pins.length > 0 && { tlsPins: route.trust.pins }),
    ...(route.isXclient && { xclient: true as const }),
    ...(byHand.maxMessageBytes !== null && { maxSize: formatSize(byHand.maxMessageBytes) }),
    ...(byHand.takesSmtpUtf8 !== null && { smtpUtf8: byHand.takesSmtpUtf8 }),
    ...(byHand.takes8BitMime !== null && { eightBitMime: byHand.takes8BitMime }),
    ...(byHand.maxConnectionCount !== null && { maxConnections: byHand.maxConnectionCount }),
    ...(byHand.maxMailsPerConnection !== null && {
      mailsPerConnection: byHand.maxMailsPerConnection,
    }),
    ...(byHand.calloutSender !== null && {
      calloutSender: byHand.calloutSender === 'null' ? 'null-path' : byHand.calloutSender,
    }),
    ...(byHand.refusesAtData !== null && { refusesAtData: byHand.refusesAtData }),
    ...(byHand.maxLineBytes !== null && { maxLine: byHand.maxLineBytes }),
    ...(served.subaddressSeparator !== null && { subaddressSeparator: served.subaddressSeparator }),
    ...(served.replyPatterns.length > 0 && { replyPatterns: served.replyPatterns }),
    ...(suspension !== null && { suspended: suspension.reason === '' ? true : suspension.reason }),
    ...(served.contact !== '' && { contact: served.contact }),
  }
}

/**
 * `wanted` with the history of `current`: when it was created, since when it is suspended, and, as long as
 * its mail goes to the same server, what was measured of that.
 */
export function withHistoryOf(wanted: ServedDomain, current: ServedDomain): ServedDomain {
  const sinceMs = current.suspension?.sinceMs
  const suspension =
    wanted.suspension === null || sinceMs === undefined
      ? wanted.suspension
      : { reason: wanted.suspension.reason, sinceMs }
  const measured = isOfSameServer(wanted, current) ? current.measured : null
  return withMeasured({ ...wanted, suspension, createdAtMs: current.createdAtMs }, measured)
}

function parseRoute(
  key: 'to' | 'callout',
  texts: readonly string[],
  { tls, ...rest }: Pick<Route, 'tls' | 'trust' | 'isXclient'>,
): Result<Route, DomainProblem> {
  const endpoints: Endpoint[] = []
  for (const [index, text] of texts.entries()) {
    const endpoint = parseEndpoint(text)
    if (!endpoint.ok) return problem([key, index], endpoint.problem)
    endpoints.push(endpoint.value)
  }
  const [first, ...others] = endpoints
  if (first === undefined) return problem([key], 'at least one endpoint is needed')
  return success(createRoute([first, ...others], tls, rest))
}

function profileOf(document: DomainDocument, maxMessageBytes: number | null): ServerProfile {
  const { calloutSender } = document
  return {
    maxMessageBytes,
    takesSmtpUtf8: document.smtpUtf8 ?? null,
    takes8BitMime: document.eightBitMime ?? null,
    maxConnectionCount: document.maxConnections ?? null,
    maxMailsPerConnection: document.mailsPerConnection ?? null,
    calloutSender: calloutSender === 'null-path' ? 'null' : (calloutSender ?? null),
    refusesAtData: document.refusesAtData ?? null,
    maxLineBytes: document.maxLine ?? null,
  }
}

function parseMaxSize(text: string | undefined): Result<number | null, DomainProblem> {
  if (text === undefined) return success(null)
  const bytes = parseSize(text)
  if (!bytes.ok) return problem(['maxSize'], `${JSON.stringify(text)}: ${bytes.problem}`)
  return bytes.value >= minMaxMessageBytes
    ? success(bytes.value)
    : problem(['maxSize'], `${JSON.stringify(text)}: at least ${formatSize(minMaxMessageBytes)}`)
}

/** Neither part of an address's own syntax nor a letter or digit, which would split plain names. */
function parseSeparator(text: string | undefined): Result<string | null, DomainProblem> {
  if (text === undefined) return success(null)
  return /^[!#$%&'*+/=?^_`{|}~-]$/.test(text)
    ? success(text)
    : problem(['subaddressSeparator'], `${JSON.stringify(text)}: expected one character such as +`)
}

function problem(
  path: readonly (string | number)[],
  text: string,
): { readonly ok: false; readonly problem: DomainProblem } {
  return failure({ path, text })
}
