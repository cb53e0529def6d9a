// Parses paths of MAIL and RCPT (RFC 5321 §4.1.2, RFC 6531 §3.3): untrusted text to Mailbox or problem.

import { failure, success, type Result } from '#base/result.ts'
import { parseDomain } from './domain-name.ts'
import type { Mailbox } from './path.ts'

/**
 * RFC 5321 §4.5.3.1.1 says 64 octets, but variable envelope return paths are longer in practice and
 * a relay that refuses them says no for a server that would say yes.
 */
const maxLocalLength = 255

/** What stood between the angle brackets, and what follows them (parameters, still to be parsed). */
export interface PathText {
  /** '' for `<>`. Source route already cut off (RFC 5321 appendix C: it is ignored). */
  readonly inner: string
  readonly rest: string
}

/** Splits `<…> parameters`. White space before the bracket is tolerated, missing brackets are not. */
export function splitPath(text: string): Result<PathText> {
  const trimmed = text.trimStart()
  if (!trimmed.startsWith('<')) return failure('an address must stand in angle brackets')
  const end = closingBracket(trimmed)
  if (end < 0) return failure('the closing angle bracket is missing')
  const rest = trimmed.slice(end + 1)
  if (rest !== '' && !rest.startsWith(' ')) return failure('text after the closing angle bracket')
  const inner = trimmed.slice(1, end)
  return inner.startsWith('@') ? withoutSourceRoute(inner, rest) : success({ inner, rest })
}

/** `local@domain`, nothing around it. */
export function parseMailbox(text: string): Result<Mailbox> {
  const at = text.startsWith('"') ? endOfQuoted(text) : text.lastIndexOf('@')
  if (at <= 0 || text[at] !== '@') return failure('the address is not of the form local@domain')
  const local = text.slice(0, at)
  if (local.length > maxLocalLength) return failure('the local part is too long')
  if (!isLocalPart(local)) return failure('the local part is malformed')
  const domain = parseDomainOrLiteral(text.slice(at + 1))
  return domain.ok ? success({ local, domain: domain.value }) : domain
}

/** The bracket that closes the path; one inside a quoted local part does not count. */
function closingBracket(text: string): number {
  if (!text.includes('"')) return text.indexOf('>')
  let isQuoted = false
  for (let index = 1; index < text.length; index += 1) {
    const character = text[index]
    if (isQuoted && character === '\\') index += 1
    else if (character === '"') isQuoted = !isQuoted
    else if (character === '>' && !isQuoted) return index
  }
  return -1
}

function withoutSourceRoute(inner: string, rest: string): Result<PathText> {
  const colon = inner.indexOf(':')
  if (colon < 0) return failure('the address is not of the form local@domain')
  for (const hop of inner.slice(0, colon).split(',')) {
    if (!hop.startsWith('@') || !parseDomainOrLiteral(hop.slice(1)).ok) {
      return failure('the source route is malformed')
    }
  }
  // An empty rest would pass for the null reverse-path, which has no route.
  if (colon === inner.length - 1) return failure('the address behind the source route is missing')
  return success({ inner: inner.slice(colon + 1), rest })
}

/** Index of the character after the closing quote, -1 when there is none. */
function endOfQuoted(text: string): number {
  for (let index = 1; index < text.length; index += 1) {
    if (text[index] === '\\') index += 1
    else if (text[index] === '"') return index + 1
  }
  return -1
}

// atext of RFC 5322 §3.2.3 with UTF8-non-ascii of RFC 6531 §3.3, dots between. No nesting, so linear.
const dotString =
  /^[\w!#$%&'*+\-/=?^`{|}~\u0080-\uffff]+(?:\.[\w!#$%&'*+\-/=?^`{|}~\u0080-\uffff]+)*$/
// What dot-string forbids and real mailboxes nevertheless have: dots in a row, at the start or the end.
const looseDots = /^[\w!#$%&'*+\-/=?^`{|}~.\u0080-\uffff]+$/
const quotedString = /^"(?:[ !#-[\]-~\u0080-\uffff]|\\[ -~])*"$/
// oxlint-disable-next-line no-control-regex -- C1 controls must not pass as UTF-8 letters
const control = /[\u0000-\u001f\u007f-\u009f]/

function isLocalPart(local: string): boolean {
  if (control.test(local)) return false
  if (local.startsWith('"')) return quotedString.test(local)
  return dotString.test(local) || looseDots.test(local)
}

const addressLiteral = /^\[[\w:.-]{2,64}\]$/

function parseDomainOrLiteral(text: string): Result<string> {
  if (!text.startsWith('[')) return parseDomain(text)
  return addressLiteral.test(text)
    ? success(text.toLowerCase())
    : failure('the address literal is malformed')
}
