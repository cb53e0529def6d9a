// The mails the demo sends.

import { randomBytes } from 'node:crypto'

export interface MailHead {
  readonly from: string
  readonly to: string
  readonly subject: string
}

const mebibyte = 1024 * 1024
const base64LineBytes = 57 // 76 characters (RFC 2045 §6.8)

export function plainMail(head: MailHead, lines: readonly string[]): Buffer {
  return Buffer.from([...headerLines(head), '', ...lines, ''].join('\r\n'))
}

/** A mail with one attachment; the attachment's bytes are random, so that nothing can be guessed. */
export function attachmentMail(head: MailHead, fileName: string, bytes: number): Buffer {
  const rows: string[] = []
  const attachment = randomBytes(bytes)
  for (let offset = 0; offset < bytes; offset += base64LineBytes) {
    rows.push(attachment.toString('base64', offset, Math.min(bytes, offset + base64LineBytes)))
  }
  const fields = [
    'MIME-Version: 1.0',
    'Content-Type: application/octet-stream',
    `Content-Disposition: attachment; filename="${fileName}"`,
    'Content-Transfer-Encoding: base64',
  ]
  return Buffer.from([...headerLines(head), ...fields, '', ...rows, ''].join('\r\n'))
}

/** Bytes of an attachment that makes a mail of that size, roughly. */
export function attachmentBytes(mailMebibytes: number): number {
  return Math.round((mailMebibytes * mebibyte * base64LineBytes) / 78)
}

function headerLines({ from, to, subject }: MailHead): readonly string[] {
  const date = new Date().toUTCString().replace('GMT', '+0000')
  return [
    `Date: ${date}`,
    `From: <${from}>`,
    `To: <${to}>`,
    `Message-ID: <${randomBytes(6).toString('hex')}@sender.example>`,
    `Subject: ${subject}`,
  ]
}
