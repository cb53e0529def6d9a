// The options of `domain add` and `domain set`, and what they make of a domain's document.

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
  'max-size': { type: 'string' },
  contact: { type: 'string' },
  'subaddress-separator': { type: 'string' },
  'no-such-mailbox': { type: 'string', multiple: true },
  'not-no-such-mailbox': { type: 'string', multiple: true },
}

export const domainOptionsUsage: string = `  --to ENDPOINT      where its mail goes; several are tried in turn. HOST:PORT,
                     HOST, ADDRESS:PORT, [IPV6]:PORT or mx:NAME; port 25
  --callout ENDPOINT ask for recipients there instead (Exchange behind 2525)
  --tls POLICY       opportunistic (default), verify (trusted name and
                     certificate, or no delivery) or none
  --max-size SIZE    largest mail, such as 50MiB; default: the relay's limit
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
  readonly 'max-size'?: string
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
  maxSize: { option: '--max-size', isOptional: true },
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
  const document = Object.entries({ ...base, ...namedFields(values) }).filter(
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
    maxSize: values['max-size'],
    subaddressSeparator: values['subaddress-separator'],
    replyPatterns: patternsOf(values),
    suspended: undefined,
    contact: values.contact === '' ? takeBack : values.contact,
  }
  return Object.fromEntries(Object.entries(named).filter(([, value]) => value !== undefined))
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
