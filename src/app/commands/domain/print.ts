// Served domains as people and as programs read them.

import { X509Certificate } from 'node:crypto'
import type { CommandIo } from '#app/command.ts'
import { cleanLine } from '#base/text.ts'
import type { ServedDomain, TlsTrust } from '#registry/registry.ts'
import { formatEndpoint } from '#registry/route.ts'
import { profileRows } from './profile-rows.ts'

/** What `--json` prints of a domain. Every key is always there; times are ISO 8601 in UTC. */
export function domainJson(served: ServedDomain): Readonly<Record<string, unknown>> {
  const { suspension, route, calloutRoute, measured } = served
  return {
    domain: served.domain,
    to: route.endpoints.map(formatEndpoint),
    callout: calloutRoute.endpoints.map(formatEndpoint),
    tls: route.tls,
    tlsNames: route.trust.names,
    tlsCa: route.trust.ca,
    tlsPins: route.trust.pins,
    xclient: route.isXclient,
    maxMessageBytes: served.profile.maxMessageBytes,
    profile: served.profile,
    byHand: served.byHand,
    measured:
      measured === null
        ? null
        : { server: measured.server, at: timeText(measured.atMs), profile: measured.profile },
    subaddressSeparator: served.subaddressSeparator,
    replyPatterns: served.replyPatterns,
    suspension:
      suspension === null
        ? null
        : { reason: suspension.reason, since: timeText(suspension.sinceMs) },
    contact: served.contact,
    createdAt: timeText(served.createdAtMs),
    changedAt: timeText(served.changedAtMs),
  }
}

export function printJson(io: CommandIo, value: unknown): void {
  io.stdout(`${jsonText(value)}\n`)
}

// What JSON.stringify leaves as it is, but a terminal or an eye may not: DEL, C1, reordering, hiding.
const unsafeInJson = /[\u007f-\u009f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]/g

/** Texts of peers are in it as they came, but nothing in it can drive a terminal. */
export function jsonText(value: unknown): string {
  return JSON.stringify(value, null, 2).replace(
    unsafeInJson,
    (found) => `\\u${found.charCodeAt(0).toString(16).padStart(4, '0')}`,
  )
}

/** All there is to know about a domain, one line a fact. */
export function domainText(served: ServedDomain): string {
  const { suspension, route, calloutRoute } = served
  const rows: (readonly [string, string])[] = [
    ...route.endpoints.map(
      (each, index) => [index === 0 ? 'to' : '', formatEndpoint(each)] as const,
    ),
    ...(calloutRoute.id === route.id
      ? []
      : [['callout', calloutRoute.endpoints.map(formatEndpoint).join(', ')] as const]),
    ['tls', route.tls],
    ...trustRows(route.trust),
    ...(route.isXclient ? [['xclient', 'where the server offers it'] as const] : []),
    ...profileRows(served),
    ['subaddresses', subaddressText(served.subaddressSeparator)],
    ...served.replyPatterns.map(
      ({ text, means }) =>
        [means === 'other' ? 'mailbox may exist' : 'no such mailbox', text] as const,
    ),
    ['contact', served.contact === '' ? '-' : served.contact],
    ['created', timeText(served.createdAtMs)],
    ['changed', timeText(served.changedAtMs)],
  ]
  if (suspension !== null) {
    const reason = suspension.reason === '' ? '' : `: ${suspension.reason}`
    rows.unshift(['suspended', `since ${timeText(suspension.sinceMs)}${reason}`])
  }
  const lines = rows.map(([name, value]) => `  ${name.padEnd(17)} ${cleanLine(value, 1000)}\n`)
  return `${served.domain}\n${lines.join('')}`
}

/** One line a domain, in columns. */
export function listText(domains: readonly ServedDomain[]): string {
  const rows = domains.map((served) => [
    served.domain,
    served.route.endpoints.map(formatEndpoint).join(', '),
    served.route.tls,
    served.suspension === null ? '' : cleanLine(`suspended ${served.suspension.reason}`.trim(), 60),
  ])
  const all = [['DOMAIN', 'TO', 'TLS', ''], ...rows]
  const widths = [0, 1, 2].map((column) => Math.max(...all.map((row) => row[column]?.length ?? 0)))
  return all
    .map((row) =>
      `${row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join('  ')}`.trimEnd(),
    )
    .map((line) => `${line}\n`)
    .join('')
}

/** `mail.inst.example:25, tls verify`: what a person wants to see of a new route. */
export function routeText({ route }: ServedDomain): string {
  return `${route.endpoints.map(formatEndpoint).join(', ')}, tls ${route.tls}`
}

/** On standard error, so that standard output stays what it is. */
export function printWarnings(io: CommandIo, warnings: readonly string[]): void {
  for (const warning of warnings) {
    io.stderr(`warning: ${warning}; mail for it waits at its senders until this is mended\n`)
  }
}

function trustRows({ names, ca, pins }: TlsTrust): readonly (readonly [string, string])[] {
  return [
    ...names.map((name) => ['certificate for', name] as const),
    ...(ca === null ? [] : [['certificate from', authoritiesText(ca)] as const]),
    ...pins.map((pin) => ['pinned key', pin] as const),
  ]
}

/** The certificates were parsed when they were stored. */
function authoritiesText(pem: string): string {
  const blocks = pem.match(/-----BEGIN [^]*?-----END CERTIFICATE-----/g) ?? []
  return blocks
    .map((block) => new X509Certificate(block))
    .map(({ subject, validTo }) => `${subject.replaceAll('\n', ', ')} (until ${validTo})`)
    .join('; ')
}

function subaddressText(separator: string | null): string {
  return separator === null ? 'mailboxes of their own' : `a${separator}b is the mailbox a`
}

function timeText(ms: number): string {
  return new Date(ms).toISOString()
}
