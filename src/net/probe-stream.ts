// A byte stream to a server that is being examined. Apart from `connection.ts` on purpose: an examiner binds
// to a source address, speaks TLS versions that a relay must not speak, and wants the certificates themselves.

import type { X509Certificate } from 'node:crypto'
import net from 'node:net'
import tls from 'node:tls'
import { dnsNamesOf } from './certificate-names.ts'

export interface ProbeCertificate {
  /** One line, such as `CN=mail.inst.example`. */
  readonly subject: string
  readonly issuer: string
  /** DNS names of the subjectAltName, lower case. */
  readonly names: readonly string[]
  readonly validFromMs: number
  readonly validToMs: number
  /** `rsa 2048`, `ec prime256v1` */
  readonly key: string
  /** DER. */
  readonly raw: Buffer
  /** SubjectPublicKeyInfo, DER (RFC 6698 §1.1.3). */
  readonly publicKey: Buffer
  /** Colon-separated, upper case. */
  readonly sha256: string
}

export interface ProbeTlsFacts {
  /** `TLSv1.3` */
  readonly protocol: string
  readonly cipher: string
  /** OpenSSL's word for what is wrong with the chain, such as `CERT_HAS_EXPIRED`; null: trusted. */
  readonly chainProblem: string | null
  /** Why the certificate is not for the name that was asked for, null: it is (RFC 9525). */
  readonly nameProblem: string | null
  /** As sent by the server, the leaf first. */
  readonly chain: readonly ProbeCertificate[]
}

export interface ProbeTlsOptions {
  readonly serverName: string
  /** PEM; null: those of the system. */
  readonly ca: readonly string[] | null
  readonly timeoutMs: number
  /** Only this version, with ciphers as weak as OpenSSL still has. Absent: what a relay would offer. */
  readonly onlyVersion?: 'TLSv1' | 'TLSv1.1' | 'TLSv1.2' | 'TLSv1.3'
}

export interface ProbeStreamHandler {
  readonly onData: (chunk: Buffer) => void
  /** The server has ended its side, or the connection is gone. Once. */
  readonly onClose: (error: Error | null) => void
}

/** More certificates than any chain has are not followed. */
const maxChainLength = 10

/** Rejects with the system's error, or with an error of code ETIMEDOUT or ABORT_ERR. */
export function openProbeStream(options: {
  readonly address: string
  readonly port: number
  /** An address of this machine; null: the system chooses. */
  readonly source: string | null
  readonly timeoutMs: number
  readonly signal: AbortSignal | null
}): Promise<ProbeStream> {
  return new Promise((resolve, reject) => {
    const socket = net.connect({
      host: options.address,
      port: options.port,
      noDelay: true,
      ...(options.source === null ? {} : { localAddress: options.source }),
    })
    const timer = setTimeout(() => give(coded('ETIMEDOUT', 'no answer')), options.timeoutMs)
    const onAbort = (): void => give(coded('ABORT_ERR', 'aborted'))
    const settle = (): void => {
      clearTimeout(timer)
      options.signal?.removeEventListener('abort', onAbort)
      socket.removeListener('error', give)
    }
    const give = (error: Error): void => {
      settle()
      socket.on('error', () => undefined)
      socket.destroy()
      reject(error)
    }
    socket.once('error', give)
    socket.once('connect', () => {
      settle()
      resolve(new ProbeStream(socket))
    })
    options.signal?.addEventListener('abort', onAbort, { once: true })
    if (options.signal?.aborted === true) onAbort()
  })
}

export class ProbeStream {
  /** Without port; an IPv4-mapped address is given as IPv4. */
  readonly localAddress: string
  #socket: net.Socket
  #handler: ProbeStreamHandler | null = null
  #isClosed = false

  constructor(socket: net.Socket) {
    this.#socket = socket
    this.localAddress = (socket.localAddress ?? 'unknown').replace(/^::ffff:/, '')
    socket.pause()
    this.#listen()
  }

  /** From now on `handler` gets what arrives; nothing has been read before. */
  attach(handler: ProbeStreamHandler): void {
    this.#handler = handler
    this.#socket.resume()
  }

  /** Resolves when there is room for more, or the stream is gone. */
  write(data: string | Buffer): Promise<void> {
    const socket = this.#socket
    if (this.#isClosed || socket.write(data)) return Promise.resolve()
    return new Promise((resolve) => {
      const done = (): void => {
        socket.off('drain', done)
        socket.off('close', done)
        resolve()
      }
      socket.on('drain', done)
      socket.on('close', done)
    })
  }

  end(): void {
    this.#socket.end()
  }

  destroy(): void {
    this.#socket.destroy()
  }

  /** Rejects when there is no handshake in time; the stream is of no more use then. */
  startTls(options: ProbeTlsOptions): Promise<ProbeTlsFacts> {
    const raw = this.#socket
    for (const event of ['data', 'end', 'close']) raw.removeAllListeners(event)
    const only = options.onlyVersion
    const socket = tls.connect({
      socket: raw,
      rejectUnauthorized: false,
      checkServerIdentity: () => undefined, // judged apart from the chain
      ...(net.isIP(options.serverName) === 0 ? { servername: options.serverName } : {}),
      ...(options.ca === null ? {} : { ca: [...options.ca] }),
      ...(only === undefined
        ? {}
        : { minVersion: only, maxVersion: only, ciphers: 'DEFAULT:@SECLEVEL=0' }),
    })
    this.#socket = socket
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => fail(coded('ETIMEDOUT', 'no answer')), options.timeoutMs)
      const fail = (error: Error | null): void => {
        clearTimeout(timer)
        socket.off('close', onClose)
        socket.on('error', () => undefined)
        socket.destroy()
        this.#isClosed = true
        reject(error ?? new Error('closed during the handshake'))
      }
      const onClose = (): void => fail(null)
      socket.once('error', fail)
      socket.once('close', onClose)
      socket.once('secureConnect', () => {
        clearTimeout(timer)
        socket.off('error', fail)
        socket.off('close', onClose)
        this.#listen()
        socket.resume()
        resolve(factsOf(socket, options.serverName))
      })
    })
  }

  #listen(): void {
    let error: Error | null = null
    const socket = this.#socket
    socket.on('data', (chunk: Buffer) => this.#handler?.onData(chunk))
    socket.on('error', (cause) => {
      error = cause
    })
    const close = (): void => {
      if (this.#isClosed) return
      this.#isClosed = true
      this.#handler?.onClose(error)
    }
    socket.on('end', close)
    socket.on('close', close)
  }
}

function factsOf(socket: tls.TLSSocket, serverName: string): ProbeTlsFacts {
  const leaf = socket.getPeerX509Certificate()
  // The error is an Error whose code is OpenSSL's word, or that word itself.
  const problem: unknown = socket.authorizationError
  const word = problem instanceof Error && 'code' in problem ? problem.code : problem
  return {
    protocol: socket.getProtocol() ?? 'unknown',
    cipher: socket.getCipher().standardName,
    chainProblem: socket.authorized ? null : String(word),
    nameProblem:
      leaf === undefined ? 'the server sent no certificate' : nameProblem(leaf, serverName),
    chain: chainOf(leaf),
  }
}

/** RFC 9525 §6.3: names of the subjectAltName only, a wildcard as the whole left-most label. */
function nameProblem(leaf: X509Certificate, serverName: string): string | null {
  const found =
    net.isIP(serverName) === 0
      ? leaf.checkHost(serverName, { subject: 'never', partialWildcards: false })
      : leaf.checkIP(serverName)
  return found === undefined ? `not issued for ${serverName}` : null
}

function chainOf(leaf: X509Certificate | undefined): readonly ProbeCertificate[] {
  const chain: ProbeCertificate[] = []
  for (let each = leaf; each !== undefined && chain.length < maxChainLength;) {
    chain.push(certificateFacts(each))
    const issuer: X509Certificate | undefined = each.issuerCertificate
    if (issuer === undefined || issuer.fingerprint256 === each.fingerprint256) break
    each = issuer
  }
  return chain
}

function certificateFacts(certificate: X509Certificate): ProbeCertificate {
  const { publicKey } = certificate
  const details = publicKey.asymmetricKeyDetails
  const size = details?.modulusLength ?? details?.namedCurve ?? ''
  return {
    subject: oneLine(certificate.subject),
    issuer: oneLine(certificate.issuer),
    names: dnsNamesOf(certificate.subjectAltName),
    validFromMs: Date.parse(certificate.validFrom),
    validToMs: Date.parse(certificate.validTo),
    key: `${publicKey.asymmetricKeyType ?? 'unknown'} ${size}`.trim(),
    raw: certificate.raw,
    publicKey: publicKey.export({ type: 'spki', format: 'der' }),
    sha256: certificate.fingerprint256,
  }
}

function oneLine(name: string): string {
  return name.split('\n').toReversed().join(', ')
}

function coded(code: string, message: string): Error {
  return Object.assign(new Error(message), { code })
}
