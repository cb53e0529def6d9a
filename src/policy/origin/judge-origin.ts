// Rules about where a mail comes from: the client and the sender's domain. What the DNS says of them is
// looked up by others; here it is only judged. The operator chooses for each rule what its word means.

import type { ClientName } from '#dns/client-name.ts'
import type { MailDomain } from '#dns/mail-domain.ts'
import type { Objection } from '#policy/policy.ts'
import { defer, reject, type DeferReason, type OriginReason } from '#verdict/verdict.ts'
import { isDynamicName, type DynamicNames } from './dynamic-name.ts'

/** `observe`: only told. */
export type RuleMode = 'off' | 'observe' | 'defer' | 'reject'

/** Named like the reason they give. */
export type OriginRule = OriginReason['kind']

export type MailRule = OriginRule | 'greylisting'

export interface OriginRules {
  readonly modes: Readonly<Record<OriginRule, RuleMode>>
  readonly dynamicNames: DynamicNames
  /** When a rule cannot be decided because the DNS gives no answer; never a rejection. */
  readonly onDnsFailure: 'pass' | 'defer'
}

/** Null: not looked up, or there is nothing to be looked up. */
export interface OriginFacts {
  readonly clientAddress: string
  readonly clientName: ClientName | null
  /** A-label of the reverse-path. */
  readonly senderDomain: string | null
  readonly mailDomain: MailDomain | null
}

/** What one rule has to say. */
export interface Finding {
  readonly rule: MailRule
  /** Not to be enforced: the objection only tells what would be said. */
  readonly isObserved: boolean
  readonly objection: Objection
}

type Unknown = Extract<DeferReason, { readonly kind: 'dns-failed' }>
type Rule = (facts: OriginFacts, rules: OriginRules) => OriginReason | Unknown | null

const byRule: Readonly<Record<OriginRule, Rule>> = {
  'reverse-dns-missing': ({ clientAddress: address, clientName: client }) => {
    if (client?.kind === 'missing') return { kind: 'reverse-dns-missing', address }
    return client?.kind === 'failed' && client.name === null
      ? unknown(address, client.detail)
      : null
  },
  'reverse-dns-inconsistent': ({ clientAddress: address, clientName: client }) => {
    if (client?.kind === 'inconsistent') {
      return { kind: 'reverse-dns-inconsistent', address, name: client.name }
    }
    return client?.kind === 'failed' ? unknown(client.name ?? address, client.detail) : null
  },
  // The name counts whether it leads back or not: it is what the network's owner says of the address.
  'dynamic-address': ({ clientAddress: address, clientName: client }, { dynamicNames }) => {
    if (client === null || client.kind === 'missing') return null
    const { name } = client
    if (name === null) return client.kind === 'failed' ? unknown(address, client.detail) : null
    return isDynamicName(dynamicNames, name, address)
      ? { kind: 'dynamic-address', address, name }
      : null
  },
  'sender-domain-missing': ({ senderDomain: domain, mailDomain }) => {
    if (domain === null) return null
    if (mailDomain?.kind === 'missing') return { kind: 'sender-domain-missing', domain }
    return mailDomain?.kind === 'failed' ? unknown(domain, mailDomain.detail) : null
  },
  'sender-null-mx': ({ senderDomain: domain, mailDomain }) => {
    if (domain === null) return null
    if (mailDomain?.kind === 'null-mx') return { kind: 'sender-null-mx', domain }
    return mailDomain?.kind === 'failed' ? unknown(domain, mailDomain.detail) : null
  },
}

const clientRules = ['reverse-dns-missing', 'reverse-dns-inconsistent', 'dynamic-address'] as const
const senderRules = ['sender-null-mx', 'sender-domain-missing'] as const

/** Has anybody to look up the client's name, or the sender's domain? */
export function factsNeeded({ modes }: OriginRules): {
  readonly clientName: boolean
  readonly mailDomain: boolean
} {
  return {
    clientName: clientRules.some((rule) => modes[rule] !== 'off'),
    mailDomain: senderRules.some((rule) => modes[rule] !== 'off'),
  }
}

/** Each rule that is on and objects. */
export function judgeOrigin(rules: OriginRules, facts: OriginFacts): readonly Finding[] {
  const findings: Finding[] = []
  for (const rule of [...senderRules, ...clientRules]) {
    const mode = rules.modes[rule]
    const reason = mode === 'off' ? null : byRule[rule](facts, rules)
    if (reason === null) continue
    if (reason.kind !== 'dns-failed') {
      const objection = mode === 'reject' ? reject(reason) : defer(reason)
      findings.push({ rule, isObserved: mode === 'observe', objection })
    } else if (rules.onDnsFailure === 'defer') {
      findings.push({ rule, isObserved: mode === 'observe', objection: defer(reason) })
    }
  }
  return findings
}

/** The one a client gets: a rejection before a deferral, which would only make it come back for it. */
export function strongest(findings: readonly Finding[]): Objection | null {
  const enforced = findings.filter(({ isObserved }) => !isObserved)
  const found = enforced.find(({ objection }) => objection.kind === 'reject') ?? enforced[0]
  return found?.objection ?? null
}

function unknown(subject: string, detail: string): Unknown {
  return { kind: 'dns-failed', subject, detail }
}
