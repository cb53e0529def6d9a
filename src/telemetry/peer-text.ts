// Text of peers on its way into a log: bounded, one line, free of controls and of secrets.

import { cleanLine } from '#base/text.ts'
import type { PeerReply } from '#smtp/reply.ts'

/** Longest text of a peer in a log line, in UTF-16 units. */
export const maxPeerTextLength = 512

/** Longest list in a log line: the recipients of RFC 5321 §4.5.3.1.8. */
export const maxListLength = 100

export function peerText(text: string): string {
  return cleanLine(text, maxPeerTextLength)
}

/** `550 5.1.1 User unknown`, cleaned. A reply of many lines is cut before it is joined. */
export function peerReplyText({ code, status, lines }: PeerReply): string {
  const words = lines.length === 1 ? (lines[0] ?? '') : lines.slice(0, 20).join(' ')
  return peerText(status === null ? `${code} ${words}` : `${code} ${status} ${words}`).trimEnd()
}

/**
 * A line a client sent, cleaned, without what may be a password: clients try AUTH where none is
 * offered and then send credentials as lines of their own, and browsers send HTTP headers.
 */
export function commandText(line: string): string {
  const authentication = /^\s*auth\b\s*(\S*)/i.exec(line)
  if (authentication !== null) return `AUTH ${mechanismText(authentication[1] ?? '')}[redacted]`
  if (/^\s*(pass(word)?|(proxy-)?authorization|cookie)\b/i.test(line)) return '[redacted]'
  return looksLikeCredentials(line.trim()) ? '[redacted]' : peerText(line)
}

/** A mechanism that is known; any other word may be the password itself. */
function mechanismText(word: string): string {
  const isKnown = /^(plain|login|cram-md5|digest-md5|ntlm|gssapi|xoauth2|oauthbearer)$/i.test(word)
  return isKnown ? `${word.toUpperCase()} ` : ''
}

/** One word of base 64 that is more than letters of one case, which is what verbs are made of. */
function looksLikeCredentials(word: string): boolean {
  if (!/^[A-Za-z0-9+/]{8,}={0,2}$/.test(word)) return false
  return !/^([A-Z]+|[a-z]+)$/.test(word)
}

/** The stack or message of whatever was thrown. Several lines, each cleaned, 4 KiB at most. */
export function errorText(error: unknown): string {
  const text = error instanceof Error ? (error.stack ?? error.message) : describe(error)
  return text
    .slice(0, 4096)
    .split('\n')
    .map((line) => peerText(line))
    .join('\n')
}

function describe(thrown: unknown): string {
  try {
    return String(thrown)
  } catch {
    return 'a value that cannot be shown' // its toString throws
  }
}
