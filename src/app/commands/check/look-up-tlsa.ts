// TLSA records through a resolver, with its word on DNSSEC.

import type { TlsaAnswer } from '#compliance/compliance.ts'
import { queryDns } from '#dns/query.ts'
import { parseNameServer } from './name-server.ts'

const timeoutMs = 3000

/** The resolver's AD is believed: it is the one that the tester's machine, or the tester, has named. */
export function lookUpTlsaAt(
  resolver: string,
): (name: string, signal: AbortSignal) => Promise<TlsaAnswer> {
  const server = parseNameServer(resolver)
  return async (name, signal) => {
    if (server === null) return { kind: 'failed', detail: 'no resolver' }
    const reply = await queryDns({
      server,
      name,
      type: 'TLSA',
      isRecursive: true,
      timeoutMs,
      attemptCount: 2,
      signal,
    })
    if (reply.kind === 'failed') return reply
    if (reply.rcode === 3) return { kind: 'none' }
    if (reply.rcode !== 0) return { kind: 'failed', detail: `RCODE ${reply.rcode}` }
    const records = reply.answers.filter(({ type }) => type === 'TLSA').map(({ value }) => value)
    if (records.length === 0) return { kind: 'none' }
    return reply.isAuthenticated ? { kind: 'secure', records } : { kind: 'insecure' }
  }
}
