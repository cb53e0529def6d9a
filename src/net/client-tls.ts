// The relay as a TLS client: whom it believes, and what it found out about a server's certificate.

import { constants, createHash } from 'node:crypto'
import tls from 'node:tls'
import { dnsNamesOf } from './certificate-names.ts'

/** Whom to believe; the same for all handshakes of one route. */
export interface ClientTls {
  readonly context: tls.SecureContext
}

/**
 * `ca`: PEM texts of the only authorities to be believed; null: those of the system. Reading the system's
 * takes some ten milliseconds, so a context is made once and not for each handshake.
 */
export function createClientTls(ca: readonly string[] | null): ClientTls {
  const context = tls.createSecureContext({
    minVersion: 'TLSv1.2',
    // What was found out at the handshake holds for as long as the connection does: there is no second one.
    secureOptions: constants.SSL_OP_NO_RENEGOTIATION,
    ...(ca === null ? {} : { ca: [...ca] }),
  })
  return { context }
}

/** What a certificate says for itself. */
export interface CertificateJudgement {
  /** Why it is not to be trusted, for people; null if it is: chain, dates and name are as they should be. */
  readonly certificateProblem: string | null
  /** `sha256//BASE64` of its public key; null without a certificate. */
  readonly publicKeyPin: string | null
  /** Names it is for, as text; not cleaned. Null without a certificate. */
  readonly names: string | null
}

/** For `tls.connect`: the certificate needs one of the names. */
export function checkNames(
  names: readonly string[],
  certificate: tls.PeerCertificate,
): Error | undefined {
  if (names.some((name) => isFor(certificate, name))) return undefined
  return Object.assign(new Error('wrong name'), { code: 'ERR_TLS_CERT_ALTNAME_INVALID' })
}

function isFor(certificate: tls.PeerCertificate, name: string): boolean {
  if (!name.startsWith('.')) return tls.checkServerIdentity(name, certificate) === undefined
  // RFC 6125 §6.4.4: the common name counts for nothing.
  const names = dnsNamesOf(certificate.subjectaltname)
  return names.some((each) => each.endsWith(name) && each.length > name.length)
}

/** What the handshake just finished has shown. `wanted`: the names of which one was needed. */
export function judgeCertificate(
  socket: tls.TLSSocket,
  wanted: readonly string[],
): CertificateJudgement {
  const certificate = socket.getPeerX509Certificate()
  if (certificate === undefined) {
    return { certificateProblem: 'there is none', publicKeyPin: null, names: null }
  }
  const problem = socket.authorized
    ? null
    : problemText(String(socket.authorizationError), certificate, wanted)
  return judgementOf(certificate, problem)
}

/** Of a client: who it is is for people; no name is wanted of it. A resumed session still has it. */
export function judgeClientCertificate(socket: tls.TLSSocket): CertificateJudgement {
  const certificate = socket.getPeerX509Certificate()
  if (certificate === undefined) {
    return { certificateProblem: 'there is none', publicKeyPin: null, names: null }
  }
  const code = verifyErrorOf(socket)
  return judgementOf(certificate, code === null ? null : problemText(code, certificate, []))
}

/**
 * What OpenSSL has against a client's certificate, or null. `authorized` is set only for sockets of a
 * `tls.Server`, and STARTTLS has none, so its source is asked. Should that go away, nobody is verified.
 */
function verifyErrorOf(socket: tls.TLSSocket): string | null {
  const handle: unknown = Reflect.get(socket, '_handle')
  if (typeof handle !== 'object' || handle === null || !('verifyError' in handle))
    return 'not checked'
  const { verifyError } = handle
  if (typeof verifyError !== 'function') return 'not checked'
  const error: unknown = Reflect.apply(verifyError, handle, [])
  if (error === null || error === undefined) return null
  return error instanceof Error && 'code' in error ? String(error.code) : 'not trusted'
}

function judgementOf(certificate: X509, certificateProblem: string | null): CertificateJudgement {
  const publicKey = certificate.publicKey.export({ type: 'spki', format: 'der' })
  return {
    certificateProblem,
    publicKeyPin: `sha256//${createHash('sha256').update(publicKey).digest('base64')}`,
    names: namesText(certificate),
  }
}

type X509 = Exclude<ReturnType<tls.TLSSocket['getPeerX509Certificate']>, undefined>

/** Words for those who have to mend it. Names come from the peer: they are cleaned where they are shown. */
function problemText(code: string, certificate: X509, wanted: readonly string[]): string {
  switch (code) {
    case 'ERR_TLS_CERT_ALTNAME_INVALID':
      return `it is not for ${wanted.join(' or ')}, but for ${namesText(certificate)}`
    case 'CERT_HAS_EXPIRED':
      return `it, or one of its authorities, has expired (it is valid until ${certificate.validTo})`
    case 'CERT_NOT_YET_VALID':
      return `it is not valid before ${certificate.validFrom}`
    case 'DEPTH_ZERO_SELF_SIGNED_CERT':
      return 'it is signed by itself'
    case 'SELF_SIGNED_CERT_IN_CHAIN':
      return 'its authority is not among the trusted ones'
    case 'UNABLE_TO_GET_ISSUER_CERT':
    case 'UNABLE_TO_GET_ISSUER_CERT_LOCALLY':
    case 'UNABLE_TO_VERIFY_LEAF_SIGNATURE':
      return 'its authority is not among the trusted ones, or the server leaves out a part of the chain'
    default:
      return code
  }
}

function namesText({ subjectAltName = '' }: X509): string {
  const names = subjectAltName.slice(0, 200)
  return names === '' ? 'no name (subjectAltName) at all' : names
}
