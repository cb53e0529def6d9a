// The contents of test mails. Strings that scanners look for are put together when they are needed, so that no file
// of ours is one. Lines end in CR LF; no line begins with a dot.

import { randomUUID } from 'node:crypto'
import { storedZip } from './stored-zip.ts'

export interface Payload {
  readonly subject: string
  /** Further header lines, or instead of the usual ones of the same name. */
  readonly headers?: readonly string[]
  readonly body: string | Buffer
}

export interface PayloadNames {
  /** Header From. */
  readonly from: string
  readonly to: string
  readonly helloName: string
  readonly nowMs: number
  /** Of a run whose returns are caught; null: they are not. */
  readonly run: string | null
}

/** RFC 5322 date with a zone that needs no name. */
function dateText(nowMs: number): string {
  return new Date(nowMs).toUTCString().replace('GMT', '+0000')
}

/** The whole content without the final dot. Every test mail says what it is (RFC 3834 §5). */
export function contentOf({ subject, headers = [], body }: Payload, names: PayloadNames): Buffer {
  const own = new Set(headers.map((line) => line.split(':')[0]?.toLowerCase()))
  const usual = [
    `Date: ${dateText(names.nowMs)}`,
    `From: Mailrelay test <${names.from}>`,
    `To: <${names.to}>`,
    `Subject: [Mailrelay-Test] ${subject}`,
    `Message-ID: <${randomUUID()}@${names.helloName.replace(/[[\]]/g, '')}>`,
    'Auto-Submitted: auto-generated',
    `X-Mailrelay-Compliance: ${names.run ?? 'test'}`,
  ].filter((line) => !own.has(line.split(':')[0]?.toLowerCase()))
  const head = [
    ...headers.filter((line) => line.startsWith('Received:')),
    ...usual,
    ...headers.filter((line) => !line.startsWith('Received:')),
    '',
    '',
  ]
  return Buffer.concat([Buffer.from(head.join('\r\n')), Buffer.from(body)])
}

const about =
  'This is a test of a mail relay, requested for this mailbox. It can be deleted.\r\nDies ist ein Test eines Mailrelays, fuer dieses Postfach beantragt. Er kann geloescht werden.\r\n'

/** `code`: whoever replies and leaves it in, or tells it, has read the mail. */
export function plainText(code: string | null = null): Payload {
  const body = code === null ? about : `${about}\r\n${pleaseConfirm}${code}\r\n`
  return { subject: 'plain mail', body }
}

const pleaseConfirm = [
  'Please reply to this mail and leave this text in, or tell the tester the code:',
  'Bitte antworten Sie auf diese Mail und lassen Sie diesen Text stehen, oder',
  'nennen Sie dem Pruefer den Code:',
  '',
  'code ',
].join('\r\n')

/** The string that spam filters take for spam by agreement (GTUBE). */
export function spamText(): Payload {
  const string = [
    'XJS*C4JDBQADN1.NSBN3*2IDNEN*',
    'GTUBE-STANDARD',
    '-ANTI-UBE-TEST-',
    'EMAIL*C.34X',
  ].join('')
  return { subject: 'spam test string', body: `${about}\r\n${string}\r\n` }
}

/** What virus scanners take for a virus by agreement (EICAR): nothing may stand before it. */
function virusString(): Buffer {
  const parts = [
    'X5O!P%@AP[4\\PZX54(P^)7CC)7}$',
    'EICAR-STANDARD',
    '-ANTIVIRUS-TEST-',
    'FILE!$H+H*',
  ]
  return Buffer.from(parts.join(''))
}

export function virusFile(): Payload {
  return attachment('virus test file', 'eicar.com', virusString())
}

/** Scanners look into archives too. */
export function virusArchive(): Payload {
  const archive = storedZip('eicar.com', virusString())
  return attachment('virus test file in an archive', 'eicar.zip', archive)
}

const noProgram = Buffer.from('MZ this is no program\r\n')

/** Harmless, but a program by its name and its first bytes. */
export function programFile(): Payload {
  return attachment('attachment with the name of a program', 'setup.exe', noProgram)
}

export function programArchive(): Payload {
  const archive = storedZip('setup.exe', noProgram)
  return attachment('archive with the name of a program in it', 'setup.zip', archive)
}

/** Harmless text under the name of a document with macros. */
export function macroDocument(): Payload {
  const file = Buffer.from('This is no document.\r\n')
  return attachment('attachment with the name of a document with macros', 'report.docm', file)
}

function attachment(subject: string, name: string, file: Buffer): Payload {
  const boundary = `=_${randomUUID()}`
  const encoded = file.toString('base64').replace(/.{76}/g, '$&\r\n')
  return {
    subject,
    headers: ['MIME-Version: 1.0', `Content-Type: multipart/mixed; boundary="${boundary}"`],
    body: [
      `--${boundary}`,
      'Content-Type: text/plain; charset=us-ascii',
      '',
      about,
      `--${boundary}`,
      `Content-Type: application/octet-stream; name="${name}"`,
      `Content-Disposition: attachment; filename="${name}"`,
      'Content-Transfer-Encoding: base64',
      '',
      encoded,
      `--${boundary}--`,
      '',
    ].join('\r\n'),
  }
}

/** As on the wire: RFC 5321 §4.5.2 has put another dot before each of them. */
export function dottedLines(): Payload {
  return { subject: 'lines that begin with a dot', body: `${about}..\r\n..x\r\n...\r\nend\r\n` }
}

/** One line above the 998 octets of RFC 5322 §2.1.1; real mail has them. */
export function longLine(): Payload {
  return { subject: 'long line', body: `${about}${'x'.repeat(1200)}\r\n` }
}

export function brokenHeader(): Payload {
  return { subject: 'malformed header', headers: ['To: undisclosed recipients, foo@'], body: about }
}

/** Latin-1 without MIME headers, as old programs send it. */
export function eightBit(): Payload {
  return {
    subject: '8-bit content without MIME',
    body: Buffer.concat([Buffer.from(about), Buffer.from([0xfc, 0xe4, 0xf6, 13, 10])]),
  }
}

/** Below the 100 hops of RFC 5321 §6.3. */
export function manyHops(): Payload {
  const hops = Array.from(
    { length: 30 },
    (_, index) =>
      `Received: from hop${index}.example by hop${index + 1}.example; Mon, 1 Jan 2024 00:00:00 +0000`,
  )
  return { subject: 'thirty Received lines', headers: hops, body: about }
}
