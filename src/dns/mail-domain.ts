// Can a domain receive mail, as far as the DNS says (RFC 5321 §5.1, RFC 7505)? Whoever cannot be answered
// has no business sending with that domain.

import type { Resolver } from './dns.ts'

export type MailDomain =
  /** It has MX records, or addresses. */
  | { readonly kind: 'receives' }
  /** It says itself that it takes no mail (RFC 7505). */
  | { readonly kind: 'null-mx' }
  /** It does not exist (`name`), or has neither MX nor addresses (`type`). */
  | { readonly kind: 'missing'; readonly cause: 'name' | 'type' }
  | { readonly kind: 'failed'; readonly detail: string }

/** `domain` is an A-label. Where its MX records lead is not looked at. Never rejects. */
export async function findMailDomain(
  resolver: Pick<Resolver, 'mx' | 'addresses'>,
  domain: string,
  signal: AbortSignal | null,
): Promise<MailDomain> {
  const mx = await resolver.mx(domain, signal)
  if (mx.kind === 'failed') return { kind: 'failed', detail: mx.detail }
  if (mx.kind === 'found') {
    // RFC 7505 §3: a null MX is alone. Beside others it is a mistake that takes nothing back.
    return { kind: mx.values.every(({ exchange }) => exchange === '') ? 'null-mx' : 'receives' }
  }
  if (mx.cause === 'name') return { kind: 'missing', cause: 'name' }
  const addresses = await resolver.addresses(domain, signal)
  switch (addresses.kind) {
    case 'found':
      return { kind: 'receives' }
    case 'none':
      return { kind: 'missing', cause: addresses.cause }
    case 'failed':
      return { kind: 'failed', detail: addresses.detail }
  }
}
