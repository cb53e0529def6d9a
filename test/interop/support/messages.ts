// The five mails every path has to carry unharmed. Deterministic, so that a difference can be looked at.

import { sha256 } from './institute.ts'

export interface TestMail {
  readonly name: string
  /** Header and body, lines ended by CRLF, not dot-stuffed. */
  readonly message: Buffer
  /** Of what follows the first empty line, CRLF included. */
  readonly sha256OfBody: string
  readonly recipientCount: number
  /** Whether MAIL has to say BODY=8BITMIME. */
  readonly is8Bit: boolean
}

export const senderDomain: string = 'sender.example'

/** Local parts of recipients: r001, r002 … */
export function localParts(count: number): readonly string[] {
  return Array.from({ length: count }, (_, index) => `r${String(index + 1).padStart(3, '0')}`)
}

export function makeTestMails(): readonly TestMail[] {
  return [
    makeMail('plain', 'Guten Tag,\r\n\r\nthis line is all there is to say.\r\n'),
    makeMail('8-bit', eightBitBody()),
    makeMail('dot-stuffed', dotBody()),
    makeMail('100-recipients', 'One mail, a hundred mailboxes.\r\n', 100),
    makeMail('50-MiB', largeBody()),
  ]
}

function makeMail(name: string, text: string | Buffer, recipientCount = 1): TestMail {
  const body = Buffer.isBuffer(text) ? text : Buffer.from(text)
  const is8Bit = body.some((byte) => byte > 127)
  return {
    name,
    message: Buffer.concat([Buffer.from(headerOf(name, is8Bit)), body]),
    sha256OfBody: sha256(body),
    recipientCount,
    is8Bit,
  }
}

function headerOf(name: string, is8Bit: boolean): string {
  return [
    `From: Interop <interop@${senderDomain}>`,
    `To: undisclosed-recipients:;`,
    `Subject: interop ${name}`,
    `Date: Thu, 01 Jan 2026 12:00:00 +0000`,
    `Message-ID: <interop-${name}@${senderDomain}>`,
    'MIME-Version: 1.0',
    `Content-Type: text/plain; charset=${is8Bit ? 'utf-8' : 'us-ascii'}`,
    `Content-Transfer-Encoding: ${is8Bit ? '8bit' : '7bit'}`,
    '',
    '',
  ].join('\r\n')
}

// Two, three and four byte sequences, and lines that end in the middle of nothing.
function eightBitBody(): string {
  return 'Grüße aus München: Straße, Größe, naïve façade\r\nпривет, καλημέρα, 你好, 👋\r\n\r\nÄ\r\n'
}

// Every place where dot-stuffing can go wrong: first line, lone dots, dots after an empty line, two at
// once, a dot inside, and a lone dot as the very last line.
function dotBody(): string {
  return '.first\r\n.\r\n..\r\n...\r\n\r\n.\r\na.b\r\n.. two\r\n \r\n.\r\n.\r\nend.\r\n.\r\n'
}

const lineBytes = 78 // 76 characters and CRLF

/**
 * As many base64-like lines as fit into 50 MiB on the wire (52,428,800 bytes, the size every institute has
 * to take) with room for what a sending MTA adds before it counts: its trace header.
 */
function largeBody(): Buffer {
  const bytes = 52_428_800 - 4096
  const body = Buffer.alloc(bytes - (bytes % lineBytes))
  const alphabet = Buffer.from('ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/')
  let state = 1
  for (let offset = 0; offset < body.length; offset += 1) {
    // Numerical Recipes' generator: no two lines alike, the same on every run.
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    body[offset] = alphabet[state >>> 26] ?? 0
  }
  for (let end = lineBytes; end <= body.length; end += lineBytes) body.write('\r\n', end - 2)
  return body
}
