// The name of a client by the DNS, and whether that name leads back to it. Anybody can give their
// address any name; only the owner of the name can make it lead to the address.

import { addressBits } from '#base/network.ts'
import type { DnsAnswer, Resolver } from './dns.ts'

/** Names are A-labels in lower case. */
export type ClientName =
  /** The name leads to the address. */
  | { readonly kind: 'confirmed'; readonly name: string }
  /** No name is registered for the address. */
  | { readonly kind: 'missing' }
  /** It leads elsewhere or nowhere. */
  | { readonly kind: 'inconsistent'; readonly name: string }
  /** The DNS gave no answer. `name`: it is registered, but nobody knows where it leads. */
  | { readonly kind: 'failed'; readonly name: string | null; readonly detail: string }

/** Some hosts have a name for each of their services; more are there to keep us busy. */
const maxNameCount = 4

/** Never rejects. */
export async function findClientName(
  resolver: Pick<Resolver, 'reverse' | 'familyAddresses'>,
  address: string,
  signal: AbortSignal | null,
): Promise<ClientName> {
  const names = await resolver.reverse(address, signal)
  if (names.kind === 'none') return { kind: 'missing' }
  if (names.kind === 'failed') return { kind: 'failed', name: null, detail: names.detail }
  const family = address.includes(':') ? 6 : 4
  const asked = await Promise.all(
    names.values.slice(0, maxNameCount).map(async (name) => ({
      name,
      answer: await resolver.familyAddresses(name, family, signal),
    })),
  )
  const confirmed = asked.find(({ answer }) => leadsTo(answer, address))
  if (confirmed !== undefined) return { kind: 'confirmed', name: confirmed.name }
  for (const { name, answer } of asked) {
    if (answer.kind === 'failed') return { kind: 'failed', name, detail: answer.detail }
  }
  return { kind: 'inconsistent', name: names.values[0] }
}

function leadsTo(answer: DnsAnswer<string>, address: string): boolean {
  return answer.kind === 'found' && answer.values.some((value) => isSame(value, address))
}

function isSame(one: string, other: string): boolean {
  if (one === other) return true
  const [left, right] = [addressBits(one), addressBits(other)]
  return left !== null && left.family === right?.family && left.bits === right.bits
}
