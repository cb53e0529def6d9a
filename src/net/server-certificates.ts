// The relay's own certificates: which of them a client gets.

import { X509Certificate } from 'node:crypto'
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

/** One set of certificates, and the contexts made of it. */
export class ServerCertificates {
  /** For clients that name no server, or one that no certificate is for. */
  readonly fallback: tls.SecureContext
  readonly #pairs: readonly (CertificatePair & { readonly parsed: X509Certificate })[]
  readonly #options: ContextOptions
  readonly #contexts = new Map<string, tls.SecureContext>()

  /** Throws when one cannot be used. Never empty. */
  constructor(pairs: readonly CertificatePair[], options: ContextOptions) {
    this.#options = options
    this.#pairs = pairs.map((pair) => ({ ...pair, parsed: new X509Certificate(pair.certificate) }))
    // Each alone, so that a key that does not fit is found even when another one is shown.
    for (const index of this.#pairs.keys()) this.#contextOf([index])
    this.fallback = this.#contextOf(this.#oneOfEachType(() => true))
  }

  /** Of `name`, as the client wrote it in SNI, the certificates are shown that are for it. */
  contextFor(name: string): tls.SecureContext {
    const fitting = this.#oneOfEachType(({ parsed }) => parsed.checkHost(name) !== undefined)
    return fitting.length === 0 ? this.fallback : this.#contextOf(fitting)
  }

  /** TLS can show one ECDSA and one RSA certificate at a time: the first of each that fits. */
  #oneOfEachType(fits: (pair: { readonly parsed: X509Certificate }) => boolean): readonly number[] {
    const byType = new Map<string, number>()
    for (const [index, pair] of this.#pairs.entries()) {
      const type = pair.parsed.publicKey.asymmetricKeyType ?? 'unknown'
      if (!byType.has(type) && fits(pair)) byType.set(type, index)
    }
    return [...byType.values()]
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
      sessionIdContext: 'pforte',
      ticketKeys,
      ...(clientCa === null ? {} : { ca: clientCa }),
    })
    this.#contexts.set(key, context)
    return context
  }
}
