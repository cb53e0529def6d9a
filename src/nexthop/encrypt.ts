// From 220 to an encrypted connection with a server that the policy believes, or to words why not.

import { isIP } from '#net/address.ts'
import type { ClientTls } from '#net/client-tls.ts'
import type { Connection } from '#net/connection.ts'
import type { TlsPolicy, TlsTrust } from '#registry/registry.ts'
import { tlsProblem } from './judge-tls.ts'
import type { TlsSessions } from './tls-sessions.ts'

/** How to encrypt, and what makes the server believable. */
export interface DialogTls {
  readonly policy: TlsPolicy
  readonly trust: TlsTrust
  /** Of which the certificate needs one. */
  readonly names: readonly string[]
  readonly client: () => ClientTls
  readonly sessions: TlsSessions
}

/** Rejects when the handshake fails or the server is not believed; the message is for people. */
export async function encrypt(
  connection: Connection,
  server: string,
  { policy, trust, names, client, sessions }: DialogTls,
): Promise<void> {
  const { address, port } = connection.remote
  const key = [server, address, port, ...names].join(' ')
  let isUsable = true
  try {
    const facts = await connection.startTlsClient({
      clientTls: client(),
      sniName: sniNameOf([server, ...names]),
      names,
      resume: sessions.get(key),
      onResumption: (resumption) => {
        if (isUsable) sessions.set(key, resumption, connection.tls?.isResumed ?? false)
      },
    })
    const problem = tlsProblem(policy, trust, facts)
    if (problem !== null) throw new Error(problem)
  } catch (error) {
    // Tickets may still come; a session with a server that is not trusted must never be resumed.
    isUsable = false
    sessions.delete(key)
    throw error
  }
}

/** What SNI may say (RFC 6066 §3): a host name, no address. */
function sniNameOf(names: readonly string[]): string | null {
  return names.find((name) => !isIP(name) && !name.startsWith('.')) ?? null
}
