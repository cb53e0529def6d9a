// Domain names: what a person or a peer wrote becomes one canonical A-label form (RFC 5321 §2.3.5,
// §4.1.2, RFC 5890 §2.3.2.1), so that names can be compared as strings from here on.

import { failure, success, type Result } from '#base/result.ts'

/** RFC 1035 §2.3.4 allows 255 octets on the wire, which is 253 characters without the final dot. */
const maxDomainLength = 253

/** An A-label is never shorter than its U-label; twice the limit leaves room for surrogate pairs. */
const maxInputLength = 2 * maxDomainLength

// Each label is delimited by a dot that cannot be part of it, so there is nothing to backtrack into.
// The underscore is not in RFC 5321's grammar, but names with it send and receive mail (Postfix takes
// them too), and refusing one would destroy real mail.
const labels = /^(?!-)[a-z0-9_-]{1,63}(?<!-)(?:\.(?!-)[a-z0-9_-]{1,63}(?<!-))*$/i

/** `192.0.2.7`, `127.1`, `0x7f.1`: a name that ends like this is read as an IPv4 address elsewhere. */
const numericEnd = /(?:^|\.)(?:\d+|0x[\da-f]*)$/i

/**
 * Is this a domain name in ASCII, in either case, without a final dot? Linear in the length.
 * False for address literals, for bare IPv4 addresses and for names that still need `parseDomain`.
 */
export function isDomainName(text: string): boolean {
  return text.length <= maxDomainLength && labels.test(text) && !numericEnd.test(text)
}

/**
 * The domain in A-label form, lower case, at most 253 characters; one final dot is dropped.
 * Unicode names are mapped as UTS #46 (non-transitional) says. The problem fits behind `text: `.
 */
export function parseDomain(text: string): Result<string> {
  if (text.length > maxInputLength) return failure(tooLong)
  if (isDomainName(text)) return success(text.toLowerCase())
  const ascii = isAsciiText(text) ? text : toAscii(text)
  if (ascii === undefined) return failure('not a valid internationalised domain name')
  const domain = withoutFinalDot(ascii).toLowerCase()
  return isDomainName(domain) ? success(domain) : failure(problemOf(domain))
}

const tooLong = `a domain name has at most ${maxDomainLength} characters`

function isAsciiText(text: string): boolean {
  return !/[^\u0000-\u007f]/.test(text) // oxlint-disable-line no-control-regex -- the range is ASCII
}

/**
 * The URL parser is the runtime's only UTS #46. It would also take ports, paths, user names and
 * percent signs, so ASCII other than a name's own characters never reaches it.
 */
function toAscii(text: string): string | undefined {
  if (/[^a-z0-9_.\u0080-\u{10ffff}-]/iu.test(text)) return undefined
  return URL.parse(`http://${text}`)?.hostname
}

function withoutFinalDot(text: string): string {
  return text.endsWith('.') ? text.slice(0, -1) : text
}

function problemOf(domain: string): string {
  if (domain === '') return 'a domain name is missing'
  if (domain.length > maxDomainLength) return tooLong
  const parts = domain.split('.')
  if (parts.some((label) => label === '')) return 'a domain name has no empty labels'
  if (parts.some((label) => label.length > 63)) return 'a label has at most 63 characters'
  if (labels.test(domain)) return 'a domain name does not end in a number'
  return 'a domain name consists of letters, digits, hyphens inside labels, and dots'
}
