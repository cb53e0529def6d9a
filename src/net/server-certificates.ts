// The relay's own certificates: which of them a client gets.

import { constants, X509Certificate } from 'node:crypto'
import tls from 'node:tls'

export interface CertificatePair {
  /** PEM: the certificate, then its chain. */
  readonly certificate: string
  readonly key: string
}

export interface ContextOptions {
  /** 48 bytes. */
  readonly ticketKeys: Buffer
  /** Authorities for certificates of clients, PEM; null: those of the system. */
  readonly clientCa: string | null
}

/**
 * What testssl.sh and the BSI (TR-02102-2) have nothing against: forward secrecy and authenticated encryption.
 * Clients that know nothing of it are from before 2012; they send in clear then, as port 25 does.
 */
const ciphers = [
  'TLS_AES_256_GCM_SHA384',
  'TLS_CHACHA20_POLY1305_SHA256',
  'TLS_AES_128_GCM_SHA256',
  'ECDHE-ECDSA-AES256-GCM-SHA384',
  'ECDHE-RSA-AES256-GCM-SHA384',
  'ECDHE-ECDSA-CHACHA20-POLY1305',
  'ECDHE-RSA-CHACHA20-POLY1305',
  'ECDHE-ECDSA-AES128-GCM-SHA256',
  'ECDHE-RSA-AES128-GCM-SHA256',
].join(':')

/** Short against the hour of a key (see `ticketKeysMs`); senders with more mail come back sooner. */
const ticketLifetimeSeconds = 300

/** One set of certificates, and the contexts made of it. */
export class ServerCertificates {
  /** The first certificate of each kind of key: TLS can have one ECDSA and one RSA at a time. */
  readonly usual: tls.SecureContext
  readonly #usual: readonly number[]
  readonly #pairs: readonly (CertificatePair & { readonly parsed: X509Certificate })[]
  readonly #options: ContextOptions
  readonly #contexts = new Map<string, tls.SecureContext>()

  /** Throws when one cannot be used. Never empty. */
  constructor(pairs: readonly CertificatePair[], options: ContextOptions) {
    this.#options = options
    this.#pairs = pairs.map((pair) => ({ ...pair, parsed: new X509Certificate(pair.certificate) }))
    // Each alone, so that a key that does not fit is found even when another one is shown.
    for (const index of this.#pairs.keys()) this.#contextOf([index])
    this.#usual = this.#firstOfEachKind()
    this.usual = this.#contextOf(this.#usual)
  }

  /**
   * Of `name`, as the client wrote it in SNI, another certificate than the usual ones, if that one is for it and
   * they are not. Node takes one certificate of a context that is chosen by name, so there are not two kinds.
   */
  contextFor(name: string): tls.SecureContext | null {
    const fitting = [...this.#pairs.keys()].filter((index) => this.#isFor(index, name))
    const [first] = fitting
    if (first === undefined || fitting.some((index) => this.#usual.includes(index))) return null
    return this.#contextOf([first])
  }

  #isFor(index: number, name: string): boolean {
    return this.#pairs[index]?.parsed.checkHost(name) !== undefined
  }

  #firstOfEachKind(): readonly number[] {
    const byKind = new Map<string, number>()
    for (const [index, { parsed }] of this.#pairs.entries()) {
      const kind = parsed.publicKey.asymmetricKeyType ?? 'unknown'
      if (!byKind.has(kind)) byKind.set(kind, index)
    }
    return [...byKind.values()]
  }

  /** One for each combination that was asked for: few, whatever names clients invent. */
  #contextOf(indexes: readonly number[]): tls.SecureContext {
    const key = indexes.join(' ')
    const known = this.#contexts.get(key)
    if (known !== undefined) return known
    const pairs = indexes.flatMap((index) => this.#pairs[index] ?? [])
    const { ticketKeys, clientCa } = this.#options
    const context = tls.createSecureContext({
      cert: pairs.map(({ certificate }) => certificate),
      key: pairs.map(({ key: pem }) => pem),
      minVersion: 'TLSv1.2',
      ciphers,
      honorCipherOrder: true,
      // TLS 1.2 lets a client begin anew as often as it likes, at the price of a handshake for us.
      secureOptions: constants.SSL_OP_NO_RENEGOTIATION,
      sessionIdContext: 'pforte',
      ticketKeys,
      sessionTimeout: ticketLifetimeSeconds,
      ...(clientCa === null ? {} : { ca: clientCa }),
    })
    this.#contexts.set(key, context)
    return context
  }
}
