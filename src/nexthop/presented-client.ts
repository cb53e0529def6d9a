// The client of a mail as XCLIENT tells of it: with its name, which is looked up when it is wanted.

import type { PresentedClient } from '#client/client.ts'
import { findClientName } from '#dns/client-name.ts'
import type { Resolver } from '#dns/dns.ts'
import type { OutboundClient, Within } from './nexthop.ts'

/** Null for a mail of nobody but the relay. Never rejects. */
export async function presentedClient(
  resolver: Resolver,
  client: OutboundClient | null,
  { signal }: Within,
): Promise<PresentedClient | null> {
  if (client === null) return null
  const found = await findClientName(resolver, client.address, signal)
  switch (found.kind) {
    case 'confirmed':
      return { ...client, name: { kind: 'found', name: found.name } }
    case 'missing':
    case 'inconsistent':
      return { ...client, name: { kind: 'none' } }
    case 'failed':
      return { ...client, name: { kind: 'failed' } }
  }
}
