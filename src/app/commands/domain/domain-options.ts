// The options of `domain add` and `domain set`, and what they make of a domain's document.

import { readFile } from 'node:fs/promises'
import { UsageError } from '#app/command.ts'
import { cleanLine } from '#base/text.ts'
import type { ReplyPattern, ServedDomain } from '#registry/registry.ts'
import {
  createServedDomain,
  type DomainDocument,
  type DomainProblem,
} from '#registry/served-domain.ts'

/** For `parseArguments`. */
export const domainOptions: {
  readonly [Name in keyof DomainOptionValues]-?: DomainOptionValues[Name] extends string | undefined
    ? { readonly type: 'string' }
    : { readonly type: 'string'; readonly multiple: true }
} = {
  to: { type: 'string', multiple: true },
  callout: { type: 'string', multiple: true },
  tls: { type: 'string' },
  'tls-name': { type: 'string', multiple: true },
  'tls-ca': { type: 'string' },
  'tls-pin': { type: 'string', multiple: true },
  xclient: { type: 'string' },
  'max-size': { type: 'string' },
  smtputf8: { type: 'string' },
  '8bitmime': { type: 'string' },
  'max-connections': { type: 'string' },
  'mails-per-connection': { type: 'string' },
  'callout-sender': { type: 'string' },
  'refuses-at-data': { type: 'string' },
  'max-line': { type: 'string' },
  contact: { type: 'string' },
  'subaddress-separator': { type: 'string' },
  'no-such-mailbox': { type: 'string', multiple: true },
  'not-no-such-mailbox': { type: 'string', multiple: true },
}

export const domainOptionsUsage: string = `  --to ENDPOINT      where its mail goes; several are tried in turn. HOST:PORT,
                     HOST, ADDRESS:PORT, [IPV6]:PORT or mx:NAME; port 25
  --callout ENDPOINT ask for recipients there instead (Exchange behind 2525)
  --tls POLICY       opportunistic (default), verify (trusted name and
                     certificate, or no delivery), pin (a known key, or no
                     delivery) or none
  --tls-name NAME    with verify: the certificate is for NAME, not for the
                     server's own name; .inst.example is any name below. May
                     be given several times
  --tls-ca FILE      with verify: PEM file of the only authorities to believe;
                     its certificates are kept with the domain
  --tls-pin PIN      with pin: SHA-256 of a public key, sha256//BASE64; several
                     for keys to come
  --xclient on|off   tell a server that offers XCLIENT whose mail it is
  --max-size SIZE    largest mail, such as 50MiB; default: the relay's limit
  --smtputf8 on|off  off: mail with SMTPUTF8 is refused at RCPT
  --8bitmime on|off  off: mail declared 8BITMIME is refused at RCPT
  --max-connections COUNT
                     connections at a time, for questions and mails together
  --mails-per-connection COUNT
                     questions and mails on one connection
  --callout-sender null-path|mailbox
                     recipients are asked for with MAIL FROM:<>, or with
                     verification.probeSender
  --refuses-at-data on|off
                     on: its recipients get transactions of their own
  --max-line OCTETS  mail with a longer line is refused; at least 998
  --contact TEXT     who runs the server: an address, a phone number
  --subaddress-separator CHARACTER
                     with +, a+b@ is the same mailbox as a@
  --no-such-mailbox TEXT, --not-no-such-mailbox TEXT
                     a reply to RCPT that matches TEXT (* stands for anything)
                     means, or does not mean, that the mailbox does not exist;
                     may be given several times
`

export interface DomainOptionValues {
  readonly to?: readonly string[]
  readonly callout?: readonly string[]
  readonly tls?: string
  readonly 'tls-name'?: readonly string[]
  /** A file. */
  readonly 'tls-ca'?: string
  readonly 'tls-pin'?: readonly string[]
  /** `on` or `off`. */
  readonly xclient?: string
  readonly 'max-size'?: string
  /** `on` or `off`, as two more below. */
  readonly smtputf8?: string
  readonly '8bitmime'?: string
  readonly 'max-connections'?: string
  readonly 'mails-per-connection'?: string
  readonly 'callout-sender'?: string
  readonly 'refuses-at-data'?: string
  readonly 'max-line'?: string
  readonly contact?: string
  readonly 'subaddress-separator'?: string
  readonly 'no-such-mailbox'?: readonly string[]
  readonly 'not-no-such-mailbox'?: readonly string[]
}

/** Takes a field back to its default. No endpoint, size, contact or separator looks like this. */
const takeBack = 'none'

/** A field of the document, the option that sets it, and whether `none` takes it back. */
interface Field {
  readonly option: string
  readonly isOptional: boolean
}

const fields: Readonly<Record<keyof DomainDocument, Field>> = {
  domain: { option: 'NAME', isOptional: false },
  to: { option: '--to', isOptional: false },
  callout: { option: '--callout', isOptional: true },
  tls: { option: '--tls', isOptional: false }, // `none` is a policy
  tlsNames: { option: '--tls-name', isOptional: true },
  tlsCa: { option: '--tls-ca', isOptional: true },
  tlsPins: { option: '--tls-pin', isOptional: true },
  xclient: { option: '--xclient', isOptional: true },
  maxSize: { option: '--max-size', isOptional: true },
  smtpUtf8: { option: '--smtputf8', isOptional: true },
  eightBitMime: { option: '--8bitmime', isOptional: true },
  maxConnections: { option: '--max-connections', isOptional: true },
  mailsPerConnection: { option: '--mails-per-connection', isOptional: true },
  calloutSender: { option: '--callout-sender', isOptional: true },
  refusesAtData: { option: '--refuses-at-data', isOptional: true },
  maxLine: { option: '--max-line', isOptional: true },
  subaddressSeparator: { option: '--subaddress-separator', isOptional: true },
  replyPatterns: { option: '--no-such-mailbox', isOptional: true },
  suspended: { option: '--reason', isOptional: false },
  contact: { option: '--contact', isOptional: true },
}

/** `base` with what the options name. Throws a UsageError that names the option at fault. */
export async function createFromOptions(
  base: Readonly<Record<string, unknown>> | DomainDocument,
  values: DomainOptionValues,
  nowMs: number,
): Promise<ServedDomain> {
  const named = await withFile(namedFields(values))
  const document = Object.entries({ ...base, ...named }).filter(
    ([field, value]) => !isTakenBack(field, value),
  )
  const { parseDomainDocument } = await import('#registry/domain-document.ts')
  const shape = parseDomainDocument(Object.fromEntries(document))
  if (!shape.ok) throw optionError(shape.problem[0])
  const served = createServedDomain(shape.value, nowMs)
  if (!served.ok) throw optionError(served.problem)
  return served.value
}

/** Is at least one of the options given? */
export function hasOptions(values: DomainOptionValues): boolean {
  return Object.keys(namedFields(values)).length > 0
}

function namedFields(values: DomainOptionValues): Readonly<Record<string, unknown>> {
  const named: Readonly<Record<keyof typeof fields, unknown>> = {
    domain: undefined,
    to: values.to,
    callout: values.callout,
    tls: values.tls,
    tlsNames: values['tls-name'],
    tlsCa: values['tls-ca'],
    tlsPins: values['tls-pin'],
    xclient: xclientOf(values.xclient),
    maxSize: values['max-size'],
    smtpUtf8: switchOf('--smtputf8', values.smtputf8),
    eightBitMime: switchOf('--8bitmime', values['8bitmime']),
    maxConnections: numberOf(values['max-connections']),
    mailsPerConnection: numberOf(values['mails-per-connection']),
    calloutSender: values['callout-sender'],
    refusesAtData: switchOf('--refuses-at-data', values['refuses-at-data']),
    maxLine: numberOf(values['max-line']),
    subaddressSeparator: values['subaddress-separator'],
    replyPatterns: patternsOf(values),
    suspended: undefined,
    contact: values.contact === '' ? takeBack : values.contact,
  }
  return Object.fromEntries(Object.entries(named).filter(([, value]) => value !== undefined))
}

function switchOf(option: string, written: string | undefined): boolean | 'none' | undefined {
  if (written === undefined || written === takeBack) return written
  if (written === 'on' || written === 'off') return written === 'on'
  throw new UsageError(
    `${option}: ${JSON.stringify(cleanLine(written, 60))}: expected on, off or none`,
  )
}

/** What is not a number stays as it is, and is refused as one. */
function numberOf(written: string | undefined): number | string | undefined {
  return written !== undefined && /^\d{1,9}$/.test(written) ? Number(written) : written
}

function xclientOf(written: string | undefined): true | 'none' | undefined {
  if (written === undefined || written === 'on') return written && true
  if (written === 'off' || written === takeBack) return takeBack
  throw new UsageError(`--xclient: ${JSON.stringify(cleanLine(written, 60))}: expected on or off`)
}

/** With the certificates in place of the name of their file. */
async function withFile(
  named: Readonly<Record<string, unknown>>,
): Promise<Readonly<Record<string, unknown>>> {
  const file = named['tlsCa']
  if (typeof file !== 'string' || file === takeBack) return named
  try {
    return { ...named, tlsCa: await readFile(file, 'utf8') }
  } catch (error) {
    throw new UsageError(
      `--tls-ca: ${cleanLine(error instanceof Error ? error.message : String(error), 200)}`,
    )
  }
}

/** Both options together are the whole list; undefined: neither is given. */
function patternsOf(values: DomainOptionValues): readonly ReplyPattern[] | 'none' | undefined {
  const inside = values['no-such-mailbox']
  const outside = values['not-no-such-mailbox']
  if (inside === undefined && outside === undefined) return undefined
  const patterns: readonly ReplyPattern[] = [
    ...(inside ?? []).map((text) => ({ text, means: 'no-such-mailbox' }) as const),
    ...(outside ?? []).map((text) => ({ text, means: 'other' }) as const),
  ]
  return patterns.length === 1 && patterns[0]?.text === takeBack ? takeBack : patterns
}

function isTakenBack(field: string, value: unknown): boolean {
  if (!Object.hasOwn(fields, field) || !fields[field as keyof typeof fields].isOptional)
    return false
  return value === takeBack || (Array.isArray(value) && value.length === 1 && value[0] === takeBack)
}

function optionError({ path, text }: DomainProblem): UsageError {
  const field = String(path[0] ?? 'domain')
  const name = Object.hasOwn(fields, field) ? fields[field as keyof typeof fields].option : field
  return new UsageError(`${name}: ${cleanLine(text, 200)}`)
}
