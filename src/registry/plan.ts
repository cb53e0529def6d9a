// From the domains as they are to the domains as a file wants them: what would change, and how.

import type { RegistryChange, ServedDomain } from './registry.ts'
import { toDomainDocument, withHistoryOf, type DomainDocument } from './served-domain.ts'

/** `from` and `to` are the values as a document has them, in JSON; null: not set. */
export interface FieldChange {
  readonly field: string
  readonly from: string | null
  readonly to: string | null
}

export type PlannedChange =
  | { readonly kind: 'add'; readonly domain: ServedDomain }
  | {
      readonly kind: 'change'
      readonly domain: ServedDomain
      readonly fields: readonly [FieldChange, ...FieldChange[]]
    }
  | { readonly kind: 'remove'; readonly domain: ServedDomain }

export interface Plan {
  /** By domain name; empty when everything is as wanted. */
  readonly changes: readonly PlannedChange[]
  /** Served, not wanted, and kept because `isPruning` was false. */
  readonly keptDomains: readonly string[]
}

/** `wanted` holds no domain twice. Without `isPruning` nothing is ever removed. */
export function planChanges(
  current: readonly ServedDomain[],
  wanted: readonly ServedDomain[],
  isPruning: boolean,
): Plan {
  const currentByName = new Map(current.map((served) => [served.domain, served]))
  const wantedNames = new Set(wanted.map((served) => served.domain))
  const unwanted = current.filter((served) => !wantedNames.has(served.domain))
  const changes: PlannedChange[] = wanted.flatMap((served) =>
    planOne(currentByName.get(served.domain), served),
  )
  if (isPruning) changes.push(...unwanted.map((domain) => ({ kind: 'remove', domain }) as const))
  return {
    changes: changes.sort((a, b) => (a.domain.domain < b.domain.domain ? -1 : 1)),
    keptDomains: isPruning ? [] : unwanted.map((served) => served.domain),
  }
}

/** For `Registry.apply`. */
export function toRegistryChanges(plan: Plan): readonly RegistryChange[] {
  return plan.changes.map(({ kind, domain }) =>
    kind === 'remove' ? { kind, domain: domain.domain } : { kind: 'put', domain },
  )
}

/** The fields in which two domains differ, times apart; in the order of the document. */
export function fieldChanges(from: ServedDomain, to: ServedDomain): readonly FieldChange[] {
  const before = fieldsOf(from)
  const after = fieldsOf(to)
  return documentFields.flatMap((field) => {
    const [old = null, next = null] = [before.get(field), after.get(field)]
    return old === next ? [] : [{ field, from: old, to: next }]
  })
}

// A record, so that a field without a place in it does not compile.
const documentFieldSet: Readonly<Record<keyof DomainDocument, true>> = {
  domain: true,
  to: true,
  callout: true,
  tls: true,
  tlsNames: true,
  tlsCa: true,
  tlsPins: true,
  xclient: true,
  maxSize: true,
  smtpUtf8: true,
  eightBitMime: true,
  maxConnections: true,
  mailsPerConnection: true,
  calloutSender: true,
  refusesAtData: true,
  maxLine: true,
  subaddressSeparator: true,
  replyPatterns: true,
  suspended: true,
  contact: true,
}

const documentFields: readonly string[] = Object.keys(documentFieldSet)

function planOne(
  current: ServedDomain | undefined,
  wanted: ServedDomain,
): readonly PlannedChange[] {
  if (current === undefined) return [{ kind: 'add', domain: wanted }]
  const [first, ...rest] = fieldChanges(current, wanted)
  if (first === undefined) return []
  return [{ kind: 'change', domain: withHistoryOf(wanted, current), fields: [first, ...rest] }]
}

function fieldsOf(served: ServedDomain): ReadonlyMap<string, string> {
  const entries = Object.entries(toDomainDocument(served))
  return new Map(entries.map(([field, value]) => [field, JSON.stringify(value)]))
}
