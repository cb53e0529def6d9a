// What the embedded institute server can be told to do.

import type { ReceivedMail } from './records.ts'
import type { CertificateAndKey } from './upgrade-tls.ts'

/** Where in the dialog a reply can be replaced or delayed. `rcpt` has its own script, `replies`. */
export type InstituteStage = 'banner' | 'ehlo' | 'mail' | 'rcpt' | 'data' | 'final'

export interface InstituteExtensions {
  readonly pipelining: boolean
  /** Offered and enforced limit in bytes; 0: offered without a limit; null: not offered. */
  readonly sizeBytes: number | null
  readonly eightBitMime: boolean
  readonly smtpUtf8: boolean
  readonly enhancedStatusCodes: boolean
  /** Further EHLO lines, as they are to appear (`DSN`, `XCLIENT NAME ADDR`). Not implemented behind. */
  readonly others: readonly string[]
}

export interface InstituteLimits {
  /** The MAIL after that many mails of one connection gets 421. */
  readonly mailsPerConnection: number
  /** Connections above that number get a 421 banner. */
  readonly connections: number
  /** Recipients of one mail; the next gets 452 4.5.3. */
  readonly recipients: number
  /** A connection that sends nothing for so long gets 421. */
  readonly idleMs: number
}

/**
 * The part that can be changed while the server runs. Replies are texts as on the wire without the
 * last line ending; several lines are separated by `\n`. A 421 reply ends the connection.
 */
export interface InstituteScript {
  /** Compared case-insensitively. */
  readonly mailboxes: readonly string[] | 'all'
  /** For every other recipient; `<x>` stands for the recipient. */
  readonly unknownReply: string
  /** By recipient, before `mailboxes`. A list is used in turn, its last reply stays. */
  readonly replies: Readonly<Record<string, string | readonly string[]>>
  /** Instead of the usual reply. A banner that is not 220 ends the connection. */
  readonly stageReplies: Readonly<Partial<Record<Exclude<InstituteStage, 'rcpt'>, string>>>
  /** Asked after the content is complete; a text is the final reply. `wire`, `content`: see keepContent. */
  readonly filter: (mail: ReceivedMail) => string | undefined | Promise<string | undefined>
  /** Pause before the reply of that stage, in milliseconds. `rcpt` counts for each recipient. */
  readonly delayMs: Readonly<Partial<Record<InstituteStage, number>>>
}

export interface InstituteServerOptions extends Partial<InstituteScript> {
  /** Name in banner and EHLO reply. */
  readonly name?: string
  /** Default 127.0.0.1. */
  readonly address?: string
  /** Default 0: a free one. */
  readonly port?: number
  readonly extensions?: Partial<InstituteExtensions>
  /** With it STARTTLS is offered. */
  readonly tls?: CertificateAndKey
  readonly limits?: Partial<InstituteLimits>
  /** False: of the content only size, SHA-256 and header section are kept. Default true. */
  readonly keepContent?: boolean
  /** How many mails and how many connections are remembered, the newest. Default 10,000. */
  readonly maxRecordCount?: number
  /** Called for every accepted mail, before the reply is sent. */
  readonly onMail?: (mail: ReceivedMail) => void
}

export interface InstituteSettings {
  readonly name: string
  readonly extensions: InstituteExtensions
  readonly limits: InstituteLimits
  readonly maxKeptBytes: number
}

export function settingsOf(options: InstituteServerOptions): InstituteSettings {
  return {
    name: options.name ?? 'mail.inst.example',
    extensions: {
      pipelining: true,
      sizeBytes: 52_428_800 + 65_536,
      eightBitMime: true,
      smtpUtf8: true,
      enhancedStatusCodes: true,
      others: [],
      ...options.extensions,
    },
    limits: {
      mailsPerConnection: Infinity,
      connections: Infinity,
      recipients: 1000,
      idleMs: 300_000,
      ...options.limits,
    },
    maxKeptBytes: (options.keepContent ?? true) ? Infinity : 0,
  }
}

export function scriptOf(options: Partial<InstituteScript>): InstituteScript {
  return {
    mailboxes: options.mailboxes ?? 'all',
    unknownReply: options.unknownReply ?? '550 5.1.1 <x>: User unknown',
    replies: options.replies ?? {},
    stageReplies: options.stageReplies ?? {},
    filter: options.filter ?? (() => undefined),
    delayMs: options.delayMs ?? {},
  }
}
