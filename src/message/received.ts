// The trace field Pforte puts on every mail it relays (RFC 5321 §4.4, RFC 8314 §4.3, RFC 3848, RFC 6531).

import { encodeDateTime } from './date-time.ts'

export interface ReceivedFacts {
  /** What the client called itself; null before any greeting. Printable, at most 255 characters. */
  readonly greetingName: string
  readonly isExtended: boolean
  readonly isSmtpUtf8: boolean
  /** Without brackets, IPv4 or IPv6. */
  readonly clientAddress: string
  readonly hostname: string
  readonly id: string
  /** `TLS_AES_256_GCM_SHA384`, or null in clear. */
  readonly tlsCipher: string | null
  /** What came of asking the client for a certificate; absent: it was not asked. Not cleaned. */
  readonly clientCertificate?: string
  /** Named only when it is the only one: several would tell recipients of each other (RFC 5321 §7.2). */
  readonly onlyRecipient: string | null
  readonly atMs: number
}

/** The whole field, folded, with its CR LF. */
export function encodeReceived(facts: ReceivedFacts): string {
  const from = `Received: from ${name(facts.greetingName)} (${literal(facts.clientAddress)})\r\n`
  const by = `\tby ${facts.hostname} (Pforte) with ${protocol(facts)} id ${facts.id}\r\n`
  const tls = facts.tlsCipher === null ? '' : tlsClause(facts.tlsCipher, facts.clientCertificate)
  const recipient = facts.onlyRecipient === null ? '' : `\tfor <${facts.onlyRecipient}>\r\n`
  const text = from + by + recipient + tls
  return `${text.slice(0, -2)};\r\n\t${encodeDateTime(facts.atMs)}\r\n`
}

/** What the client's certificate says is a comment: nobody is to act on it by parsing. */
function tlsClause(cipher: string, clientCertificate: string | undefined): string {
  const comment = clientCertificate?.replace(/[^\w.:*@,=/+ -]/g, '?').slice(0, 160)
  const said = comment === undefined ? '' : `\r\n\t(client certificate ${comment})`
  return `\ttls ${cipher}${said}\r\n`
}

/**
 * The greeting is a claim in a structured field: what is not a domain or a literal is set in brackets
 * of its own, so that it cannot pretend to be another clause.
 */
function name(greetingName: string): string {
  if (/^[\w.-]{1,255}$/.test(greetingName)) return greetingName
  if (/^\[[\w:.-]{2,64}\]$/.test(greetingName)) return greetingName
  return `invalid.name (${greetingName.replace(/[^\w.-]/g, '?').slice(0, 64)})`
}

/** RFC 5321 §4.1.3. */
function literal(address: string): string {
  return address.includes(':') ? `[IPv6:${address}]` : `[${address}]`
}

/** RFC 3848 and RFC 6531 §4.3. */
function protocol(facts: ReceivedFacts): string {
  if (!facts.isExtended) return 'SMTP'
  const secure = facts.tlsCipher === null ? '' : 'S'
  return facts.isSmtpUtf8 ? `UTF8SMTP${secure}` : `ESMTP${secure}`
}
