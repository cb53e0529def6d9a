// The server's half of STARTTLS (RFC 3207): a plain socket becomes a TLS socket.

import type { Socket } from 'node:net'
import { TLSSocket, createSecureContext, type SecureContext } from 'node:tls'

/** Certificate chain and key, PEM. */
export interface CertificateAndKey {
  readonly certificate: string
  readonly key: string
  /** Only this version, with ciphers as weak as it needs. */
  readonly onlyVersion?: 'TLSv1.1' | 'TLSv1.2' | 'TLSv1.3'
}

/** What was agreed with the client. */
export interface TlsFacts {
  readonly protocol: string
  readonly cipher: string
  /** The name the client asked for (SNI), or null. */
  readonly servername: string | null
  readonly isResumed: boolean
}

/** One context for all connections, else no client can resume a session. */
export function createServerContext(options: CertificateAndKey): SecureContext {
  const { certificate, key, onlyVersion } = options
  return createSecureContext({
    cert: certificate,
    key,
    sessionIdContext: 'institute',
    ...(onlyVersion === undefined
      ? {}
      : { minVersion: onlyVersion, maxVersion: onlyVersion, ciphers: 'DEFAULT:@SECLEVEL=0' }),
  })
}

/** Resolves after the handshake. Rejects when it fails or takes longer than `deadlineMs`. */
export async function upgradeToTls(
  socket: Socket,
  secureContext: SecureContext,
  deadlineMs: number,
): Promise<TLSSocket> {
  const tlsSocket = new TLSSocket(socket, { isServer: true, secureContext })
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  const timer = setTimeout(() => reject(new Error('the TLS handshake took too long')), deadlineMs)
  const onClose = (): void => reject(new Error('the client left during the TLS handshake'))
  tlsSocket.once('secure', resolve).once('close', onClose).on('error', reject)
  try {
    await promise
  } catch (error) {
    tlsSocket.destroy()
    throw error
  } finally {
    clearTimeout(timer)
    tlsSocket.off('close', onClose)
  }
  return tlsSocket
}

export function tlsFacts(socket: TLSSocket): TlsFacts {
  const { servername } = socket as { readonly servername?: string | false }
  return {
    protocol: socket.getProtocol() ?? '',
    cipher: socket.getCipher().standardName,
    servername: typeof servername === 'string' && servername !== '' ? servername : null,
    isResumed: socket.isSessionReused(),
  }
}
