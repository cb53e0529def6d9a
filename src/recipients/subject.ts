// Which question a recipient is: with subaddressing, `a+tag@d` may be the same question as `a@d`.

import type { Mailbox } from '#smtp/path.ts'
import type { ServedDomain } from '#registry/registry.ts'

/**
 * The mailbox to ask for and to remember by: as written, but without the tag when the domain names a
 * separator (RFC 5233). Quoted local parts are left alone: a separator inside them is just a character.
 */
export function subjectOf(domain: ServedDomain, mailbox: Mailbox): Mailbox {
  const local = subjectLocal(domain.subaddressSeparator, mailbox.local)
  return local === mailbox.local && mailbox.domain === domain.domain
    ? mailbox
    : { local, domain: domain.domain }
}

export function subjectLocal(separator: string | null, local: string): string {
  if (separator === null || separator === '' || local.startsWith('"')) return local
  const at = local.indexOf(separator)
  return at > 0 ? local.slice(0, at) : local
}
