// What came of asking a client for a certificate, in one line.

import type { TlsFacts } from '#net/connection.ts'

/** `verified: DNS:mx.sender.example`, `unverified: …`, `none`; undefined: it was not asked. Not cleaned. */
export function clientCertificateText(tls: TlsFacts | null): string | undefined {
  const certificate = tls?.certificate ?? null
  if (certificate === null) return undefined
  if (certificate.names === null) return 'none'
  const { certificateProblem: problem, names } = certificate
  return problem === null ? `verified: ${names}` : `unverified: ${problem}`
}
