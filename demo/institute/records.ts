// What the embedded institute server remembers: every connection with its commands, every mail.

import type { ReceivedContent } from './content-receiver.ts'
import type { TlsFacts } from './upgrade-tls.ts'

export interface ReceivedMail extends ReceivedContent {
  /** `number` of the connection it came over. */
  readonly connection: number
  /** Name of EHLO or HELO. */
  readonly greetingName: string
  /** Without angle brackets; '' is the null reverse-path. */
  readonly reversePath: string
  /** The parameters of MAIL as written, '' when there were none. */
  readonly mailParameters: string
  /** Without angle brackets, the accepted ones in order. */
  readonly recipients: readonly string[]
  readonly tls: TlsFacts | null
  /** When the final dot was read. Milliseconds since the epoch with a fraction, monotonic. */
  readonly arrivedAtMs: number
}

export interface RefusedMail extends ReceivedMail {
  /** The final reply it got, as scripted. */
  readonly reply: string
}

export interface ReceivedCommand {
  /** The line without its ending. */
  readonly text: string
  /** As `arrivedAtMs`. */
  readonly atMs: number
  /** It arrived before the reply to the command before it was sent. */
  readonly isPipelined: boolean
}

export interface ConnectionRecord {
  /** From 1, in order of arrival. */
  readonly number: number
  readonly remoteAddress: string
  readonly openedAtMs: number
  closedAtMs: number | null
  /** At most 10,000, the first ones. */
  readonly commands: ReceivedCommand[]
  tls: TlsFacts | null
  /** Mails that got 2yz. */
  mailCount: number
  /** Plaintext that came behind STARTTLS before the reply to it. */
  bytesBehindStartTls: number
}

export interface ConnectionCounts {
  readonly current: number
  readonly peak: number
  readonly total: number
}

const maxCommandCount = 10_000

export function nowMs(): number {
  return performance.timeOrigin + performance.now()
}

export function openRecord(number: number, remoteAddress: string): ConnectionRecord {
  return {
    number,
    remoteAddress,
    openedAtMs: nowMs(),
    closedAtMs: null,
    commands: [],
    tls: null,
    mailCount: 0,
    bytesBehindStartTls: 0,
  }
}

export function noteCommand(record: ConnectionRecord, text: string, isPipelined: boolean): void {
  if (record.commands.length >= maxCommandCount) return
  record.commands.push({ text, atMs: nowMs(), isPipelined })
}
