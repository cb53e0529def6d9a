// The trace field of the way out: to which server a mail went, and what was known of it. `Received` is written before
// there is a connection, so this one is put in front of it when there is (docs/decisions/043-trace-of-the-way-out.md).

import type { TlsFacts } from '#net/connection.ts'
import type { TlsPolicy } from '#registry/registry.ts'
import { tlsStanding } from './judge-tls.ts'

export interface WayOut {
  /** The relay. */
  readonly hostname: string
  /** The server, as people know it; from route or DNS, not cleaned. */
  readonly server: string
  readonly policy: TlsPolicy
  /** Null in clear. */
  readonly tls: TlsFacts | null
  /** Whether the server offered STARTTLS on this connection. */
  readonly isOffered: boolean
  /** Whether the relay would have used it: not where a handshake failed a short time ago. */
  readonly isTried: boolean
}

/** The whole field, folded, with its CR LF; ASCII. */
export function encodeWayOut(wayOut: WayOut): string {
  const { hostname, policy, tls } = wayOut
  const server = cleaned(wayOut.server, /[^\w.:-]/g)
  const first = `Pforte-TLS: ${hostname};\r\n\tserver=${server}; policy=${policy};\r\n`
  const how = tls === null ? '' : `; protocol=${tls.protocol};\r\n\tcipher=${tls.cipher}`
  const reason = reasonOf(wayOut)
  const why = reason === null ? '' : `;\r\n\treason="${cleaned(reason, /[^\w .:*@,=/+()-]/g)}"`
  return `${first}\tresult=${tlsStanding(policy, tls)}${how}${why}\r\n`
}

/** Why nothing better is known; null: it is as good as the policy can be. */
function reasonOf({ policy, tls, isOffered, isTried }: WayOut): string | null {
  if (policy === 'none' || policy === 'pin') return null
  if (tls !== null) return tls.certificate?.certificateProblem ?? null
  if (!isTried) return 'a handshake has failed a short time ago'
  return isOffered ? 'STARTTLS was refused' : 'STARTTLS is not offered'
}

/** Names of certificates and of the DNS are a stranger's text: no quote, semicolon, line end or 8 bit. */
function cleaned(text: string, unwanted: RegExp): string {
  return text.slice(0, 200).replace(unwanted, '?')
}
