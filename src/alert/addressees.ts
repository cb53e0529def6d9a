// Who gets an alert as mail, and who cannot. Only addresses of served domains whose server works: then
// the mail takes the relay's own path, and there is no other.

import type { NextHops } from '#nexthop/nexthop.ts'
import type { Registry, ServedDomain } from '#registry/registry.ts'
import { encodeMailbox, type Mailbox } from '#smtp/path.ts'
import type { AlertLevel, SkipReason } from './alert.ts'
import { contactMailbox } from './contact.ts'
import type { Notice } from './notice.ts'

export type Addressee =
  | {
      readonly kind: 'reachable'
      readonly audience: AlertLevel
      readonly mailbox: Mailbox
      readonly domain: ServedDomain
    }
  | {
      readonly kind: 'skipped'
      readonly audience: AlertLevel
      readonly mailbox: Mailbox | null
      readonly reason: SkipReason
    }

export interface AddresseeFacts {
  readonly registry: Pick<Registry, 'find'>
  readonly nextHops: Pick<NextHops, 'isBreakerOpen'>
  readonly postmaster: Mailbox
}

/** The contact of the domain in trouble, and for what concerns the operator also the postmaster. */
export function addresseesOf(notice: Notice, facts: AddresseeFacts): readonly Addressee[] {
  const troubled = facts.registry.find(notice.domain)
  const contact = contactMailbox(troubled?.contact ?? '')
  const institute: Addressee =
    contact === null
      ? { kind: 'skipped', audience: 'institute', mailbox: null, reason: 'no-contact' }
      : judge('institute', contact, notice, facts)
  if (notice.kind === 'mail-delayed' && notice.level === 'institute') return [institute]
  const operator = judge('operator', facts.postmaster, notice, facts)
  return contact !== null && encodeMailbox(contact) === encodeMailbox(facts.postmaster)
    ? [operator]
    : [institute, operator]
}

function judge(
  audience: AlertLevel,
  mailbox: Mailbox,
  notice: Notice,
  { registry, nextHops }: AddresseeFacts,
): Addressee {
  const skipped = (reason: SkipReason): Addressee => ({
    kind: 'skipped',
    audience,
    mailbox,
    reason,
  })
  const domain = registry.find(mailbox.domain)
  if (domain === undefined) return skipped('not-served')
  if (domain.suspension !== null) return skipped('suspended')
  // A server that refuses mails for good does answer, so for held mail the breaker alone decides.
  const isInTrouble =
    notice.kind === 'mail-delayed' && registry.find(notice.domain)?.route.id === domain.route.id
  if (isInTrouble) return skipped('same-route')
  if (nextHops.isBreakerOpen(domain.route)) return skipped('target-down')
  return { kind: 'reachable', audience, mailbox, domain }
}
