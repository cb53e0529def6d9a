// An institute's mail server as the tests see it: a port, and the mails in its mailboxes.

import { createHash } from 'node:crypto'
import { readFileSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { waitFor } from './daemon.ts'

export interface InstituteOptions {
  readonly domain: string
  /** Local parts, lower case letters and digits. Everybody else is refused at RCPT. */
  readonly mailboxes: readonly string[]
}

export interface ReceivedMail {
  /** Local part of the mailbox it lies in. One mail to n recipients lies in n mailboxes. */
  readonly mailbox: string
  /** The address of Return-Path, without angle brackets; empty for the null path. */
  readonly reversePath: string
  /** The header block with what the server added, lines ended by LF, as stored. */
  readonly headers: string
  /** What follows the first empty line, every line ended by CRLF (mailboxes store LF). */
  readonly body: Buffer
  readonly sha256OfBody: string
}

export interface InstituteServer extends AsyncDisposable {
  readonly port: number
  readonly received: () => readonly ReceivedMail[]
  /** Resolves with all mails that match, as soon as there are `count` of them. */
  readonly waitForMails: (
    count: number,
    deadlineMs: number,
    matches?: (mail: ReceivedMail) => boolean,
  ) => Promise<readonly ReceivedMail[]>
  readonly log: () => string
}

/** The largest mail an institute's server of the bench takes: the required 50 MiB and some air. */
export const maxMessageBytes: number = 64 * 1024 * 1024

/** Reads maildirs named by local part below `folder`; a file that was read once is kept. */
export function readMaildirs(folder: string): () => readonly ReceivedMail[] {
  const known = new Map<string, ReceivedMail>()
  return () => {
    for (const mailbox of namesIn(folder)) {
      for (const name of namesIn(join(folder, mailbox, 'new'))) {
        const file = join(folder, mailbox, 'new', name)
        if (!known.has(file)) known.set(file, parseMail(mailbox, readFileSync(file)))
      }
    }
    return [...known.values()]
  }
}

export function mailWaiter(
  received: () => readonly ReceivedMail[],
  log: () => string,
): InstituteServer['waitForMails'] {
  return async (count, deadlineMs, matches = () => true) => {
    const matching = (): readonly ReceivedMail[] => received().filter(matches)
    return waitFor(
      () => (matching().length >= count ? matching() : undefined),
      deadlineMs,
      () => `${matching().length} of ${count} mails after ${deadlineMs} ms\n${log()}`,
    )
  }
}

function namesIn(folder: string): readonly string[] {
  try {
    return readdirSync(folder)
  } catch {
    return [] // a mailbox without mail has no folder yet
  }
}

function parseMail(mailbox: string, stored: Buffer): ReceivedMail {
  const end = stored.indexOf('\n\n')
  const headers = stored.toString('latin1', 0, end < 0 ? stored.length : end + 1)
  const body = end < 0 ? Buffer.alloc(0) : toCrlf(stored.subarray(end + 2))
  const reversePath = /^Return-Path: ?<?([^>\n]*)>?$/im.exec(headers)?.[1] ?? ''
  return { mailbox, reversePath, headers, body, sha256OfBody: sha256(body) }
}

function toCrlf(text: Buffer): Buffer {
  return Buffer.from(text.toString('latin1').replaceAll(/\r?\n/g, '\r\n'), 'latin1')
}

/** Lower case hexadecimal. */
export function sha256(bytes: Buffer): string {
  return createHash('sha256').update(bytes).digest('hex')
}
