// What an operator writes about the certificates of an institute's server, and the one spelling it is kept in.

import { X509Certificate } from 'node:crypto'
import { failure, success, type Result } from '#base/result.ts'
import { cleanLine } from '#base/text.ts'
import { parseDomain } from '#smtp/domain-name.ts'
import { messageOf } from './errors.ts'
import type { TlsPolicy, TlsTrust } from './registry.ts'

/** The keys of a domain's document that belong to a policy. */
export interface TrustDocument {
  readonly tlsNames?: readonly string[]
  readonly tlsCa?: string
  readonly tlsPins?: readonly string[]
}

/** `path`: where in the document. */
export interface TrustProblem {
  readonly path: readonly (string | number)[]
  readonly text: string
}

/** A file of authorities, not a whole system's: it is kept with the domain and read by every process. */
export const maxCaLength = 100_000
/** The server's key, the next one, and one in a safe. */
export const maxPinCount = 16
export const maxNameCount = 16

/** What belongs to another policy is refused: it would be believed to be in force, and is not. */
export function parseTrust(
  tls: TlsPolicy,
  document: TrustDocument,
): Result<TlsTrust, TrustProblem> {
  const { tlsNames = [], tlsCa, tlsPins = [] } = document
  if (tls !== 'verify' && tlsNames.length > 0) return problem(['tlsNames'], onlyWith('verify'))
  if (tls !== 'verify' && tlsCa !== undefined) return problem(['tlsCa'], onlyWith('verify'))
  if (tls !== 'pin' && tlsPins.length > 0) return problem(['tlsPins'], onlyWith('pin'))
  if (tls === 'pin' && tlsPins.length === 0) {
    return problem(['tlsPins'], 'the policy pin needs at least one pin')
  }
  const names: string[] = []
  for (const [index, text] of tlsNames.entries()) {
    const name = parseName(text)
    if (!name.ok) return problem(['tlsNames', index], name.problem)
    names.push(name.value)
  }
  const pins: string[] = []
  for (const [index, text] of tlsPins.entries()) {
    const pin = parsePin(text)
    if (!pin.ok) return problem(['tlsPins', index], pin.problem)
    pins.push(pin.value)
  }
  const ca = tlsCa === undefined ? success(null) : parseAuthorities(tlsCa)
  if (!ca.ok) return problem(['tlsCa'], ca.problem)
  return success({ names: [...new Set(names)], ca: ca.value, pins: [...new Set(pins)] })
}

/**
 * SHA-256 of the SubjectPublicKeyInfo: `sha256//BASE64` or BASE64 as curl writes it, or 64 hexadecimal
 * digits, with or without colons, as Postfix does. The value is `sha256//BASE64`.
 */
export function parsePin(text: string): Result<string> {
  const written = text.trim().replace(/^sha256(?:\/\/|:)/i, '')
  const digits = written.replaceAll(':', '')
  const bytes = /^[0-9a-f]{64}$/i.test(digits)
    ? Buffer.from(digits, 'hex')
    : Buffer.from(/^[A-Za-z0-9+/]{43}=$/.test(written) ? written : '', 'base64')
  return bytes.length === 32
    ? success(`sha256//${bytes.toString('base64')}`)
    : failure(
        `${JSON.stringify(cleanLine(text, 80))}: expected the SHA-256 of a public key as ` +
          'sha256//BASE64 or 64 hexadecimal digits',
      )
}

/** A host name, or one with a leading dot for all names below it. */
function parseName(text: string): Result<string> {
  const isSuffix = text.startsWith('.')
  const domain = parseDomain(isSuffix ? text.slice(1) : text)
  if (!domain.ok) return failure(`${JSON.stringify(cleanLine(text, 80))}: ${domain.problem}`)
  return success(isSuffix ? `.${domain.value}` : domain.value)
}

const pemBlock = /-----BEGIN CERTIFICATE-----[A-Za-z0-9+/=\s]+-----END CERTIFICATE-----/g

/** The certificates in it and nothing else: what people keep beside them, a key maybe, is left out. */
function parseAuthorities(text: string): Result<string> {
  if (text.length > maxCaLength) return failure(`at most ${maxCaLength} characters of certificates`)
  const blocks = text.match(pemBlock) ?? []
  if (blocks.length === 0) return failure('there is no certificate (PEM) in it')
  for (const [index, block] of blocks.entries()) {
    try {
      new X509Certificate(block)
    } catch (error) {
      return failure(`certificate ${index + 1} cannot be read: ${messageOf(error)}`)
    }
  }
  return success(blocks.map((block) => `${block.replace(/\s*\n\s*/g, '\n')}\n`).join(''))
}

function onlyWith(policy: TlsPolicy): string {
  return `means something only with tls: ${policy}`
}

function problem(
  path: readonly (string | number)[],
  text: string,
): { readonly ok: false; readonly problem: TrustProblem } {
  return failure({ path, text })
}
