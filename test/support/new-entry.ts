// An entry as the intake commits it, for tests of who takes it from there.

import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Attempt, NewContent, NewEntry, NewRecipient } from '#spool/spool.ts'

/** Wire form, as `newEntry` makes it. */
export const entryContent = 'Received: by relay\r\nSubject: test\r\n\r\nbody\r\n.\r\n'

/** `to`: addresses of recipients that are due at once. */
export function newEntry(
  id: string,
  to: readonly string[] = ['a@inst.example'],
  changes: Partial<NewEntry> = {},
): NewEntry {
  return {
    id,
    reversePath: 's@sender.example',
    isSmtpUtf8: false,
    is8BitMime: false,
    clientAddress: '192.0.2.7',
    greetingName: 'mx.sender.example',
    receivedAtMs: 1000,
    recipients: to.map((address) => newRecipient(address)),
    attempts: [],
    content: newContent(entryContent),
    ...changes,
  }
}

export function newRecipient(address: string, changes: Partial<NewRecipient> = {}): NewRecipient {
  return {
    address,
    domain: address.slice(address.lastIndexOf('@') + 1),
    fate: { kind: 'waiting', nextAttemptMs: 0 },
    reply: '',
    ...changes,
  }
}

/** Content that is a prefix only. */
export function newContent(text: string | Buffer): NewContent {
  const prefix = Buffer.from(text)
  return { prefix: [prefix], file: null, sizeBytes: prefix.length }
}

/** Content whose body is in a file in `incoming`, behind two bytes that do not belong to it. */
export function newFiledContent(incoming: string, name: string, body: Buffer): NewContent {
  const prefix = Buffer.from('Subject: large\r\n\r\n')
  mkdirSync(incoming, { recursive: true })
  const path = join(incoming, name)
  writeFileSync(path, Buffer.concat([Buffer.from('xx'), body]))
  return {
    prefix: [prefix],
    file: { path, offset: 2 },
    sizeBytes: prefix.length + body.length,
  }
}

export function newAttempt(changes: Partial<Attempt> = {}): Attempt {
  return {
    atMs: 2000,
    domain: 'inst.example',
    server: 'mail.inst.example',
    address: '192.0.2.25',
    tls: null,
    outcome: 'deferred',
    reply: '451 4.3.0 later',
    tookMs: 5,
    ...changes,
  }
}
