// An alert as a message (RFC 5322) in wire form, ready for hand-over.

import { encodeDateTime } from '#message/date-time.ts'
import { isAscii, type Mailbox } from '#smtp/path.ts'
import type { AlertText } from './alert-text.ts'
import { encodeQuotedPrintable } from './quoted-printable.ts'

export interface MailFacts {
  /** The relay's name, A-label. */
  readonly hostname: string
  readonly from: Mailbox
  readonly to: Mailbox
  /** Without angle brackets, ASCII. */
  readonly messageId: string
  readonly atMs: number
}

/** RFC 5322 §2.1.1: lines should have at most 78 characters. */
const maxLineLength = 78

/**
 * Dot-stuffed, ending in CR LF . CR LF. Seven-bit, unless an address is not: then its field is UTF-8
 * (RFC 6532) and the mail needs SMTPUTF8.
 */
export function encodeMail({ subject, body }: AlertText, facts: MailFacts): Buffer {
  const header = [
    `Date: ${encodeDateTime(facts.atMs)}`,
    fold(`From: "Pforte ${facts.hostname}" <${addressText(facts.from)}>`),
    fold(`To: <${addressText(facts.to)}>`),
    fold(`Subject: ${subject}`),
    fold(`Message-ID: <${facts.messageId}>`),
    'Auto-Submitted: auto-generated', // RFC 3834 §5: no automatic answer, please
    'MIME-Version: 1.0',
    'Content-Type: text/plain; charset=utf-8',
    'Content-Transfer-Encoding: quoted-printable',
    'Content-Language: de, en',
  ]
  const lines = body.flatMap((line) => encodeQuotedPrintable(line))
  const stuffed = lines.map((line) => (line.startsWith('.') ? `.${line}` : line))
  return Buffer.from(`${[...header, '', ...stuffed, '.'].join('\r\n')}\r\n`)
}

/** Breaks before a word where the line would become too long (RFC 5322 §2.2.3). */
function fold(field: string): string {
  const [first = '', ...words] = field.split(' ')
  const lines = [first]
  for (const word of words) {
    const last = lines.at(-1) ?? ''
    if (last.length + 1 + word.length <= maxLineLength) lines[lines.length - 1] = `${last} ${word}`
    else lines.push(` ${word}`)
  }
  return lines.join('\r\n')
}

const dotAtom = /^[\w!#$%&'*+\-/=?^`{|}~]+(?:\.[\w!#$%&'*+\-/=?^`{|}~]+)*$/

/** In a header field some local parts of the envelope have to be quoted (RFC 5322 §3.4.1). */
function addressText({ local, domain }: Mailbox): string {
  const isPlain = local.startsWith('"') || dotAtom.test(local) || !isAscii(local)
  return `${isPlain ? local : `"${local}"`}@${domain}`
}
