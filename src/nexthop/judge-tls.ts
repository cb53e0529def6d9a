// What a domain's policy makes of an encrypted connection: good enough or not, and in which words.

import type { TlsFacts } from '#net/connection.ts'
import type { TlsPolicy, TlsTrust } from '#registry/registry.ts'

/** What is known of the server behind a connection. `clear`: there is no TLS. */
export type TlsStanding = 'clear' | 'unverified' | 'verified' | 'pinned'

/** Why the connection must not be used, or null. Chain, name and dates count with `verify` only. */
export function tlsProblem(
  policy: TlsPolicy,
  { pins }: TlsTrust,
  { certificate }: TlsFacts,
): string | null {
  if (policy === 'verify') {
    const problem = certificate === null ? 'there is none' : certificate.certificateProblem
    return problem === null ? null : `the certificate is not trusted: ${problem}`
  }
  if (policy === 'pin') {
    const pin = certificate?.publicKeyPin ?? null
    if (pin !== null && pins.includes(pin)) return null
    return pin === null ? 'the server shows no key' : `its key ${pin} is not a pinned one`
  }
  return null
}

/** `null`: in clear. With `pin` only connections to a pinned key are ever used. */
export function tlsStanding(policy: TlsPolicy, facts: TlsFacts | null): TlsStanding {
  if (facts === null) return 'clear'
  if (policy === 'pin') return 'pinned'
  return facts.certificate?.certificateProblem === null ? 'verified' : 'unverified'
}

/** `TLSv1.3 TLS_AES_256_GCM_SHA384 verified`, or `… unverified (it is signed by itself)`. */
export function tlsText(policy: TlsPolicy, trust: TlsTrust, facts: TlsFacts | null): string | null {
  if (facts === null) return null
  const { protocol, cipher, certificate } = facts
  const problem =
    policy === 'pin' ? tlsProblem(policy, trust, facts) : (certificate?.certificateProblem ?? null)
  const standing = problem === null ? tlsStanding(policy, facts) : `unverified (${problem})`
  return `${protocol} ${cipher} ${standing}`
}
