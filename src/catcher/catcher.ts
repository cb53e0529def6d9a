// What comes back to the senders of test mails: caught, classified, kept for six days. The door: what a token is,
// what a return is, and the store that whoever sends, the catcher and whoever looks share.

export { localPartOf } from './token.ts'

/** Queues of mail servers last five days; what comes later is nobody's any more. */
export const keptMs: number = 6 * 24 * 60 * 60_000

/** What has come back to one token. Words of the peer are as they came, bounded: clean them before showing. */
export type Returned =
  /** RFC 3464: a report about a delivery. `action` in lower case; fields that are missing are ''. */
  | {
      readonly kind: 'report'
      readonly action: ReportAction
      readonly reportingMta: string
      readonly finalRecipient: string
      readonly status: string
      readonly diagnostic: string
    }
  /** A delivery failure in words of its own, as qmail and others write it. */
  | {
      readonly kind: 'bounce'
      readonly action: 'failed' | 'delayed'
      readonly diagnostic: string
    }
  /** RFC 8098: somebody, or a program, has read it or deleted it. */
  | { readonly kind: 'receipt'; readonly subject: string }
  /** RFC 3834: a vacation notice, a ticket system. */
  | { readonly kind: 'auto-reply'; readonly subject: string }
  /** Nothing says that a program wrote it. `code`: it holds the confirmation code of its run. */
  | { readonly kind: 'mail'; readonly subject: string; readonly hasCode: boolean }
  /** Somebody asked whether the address exists, and sent nothing. */
  | { readonly kind: 'callback' }
  /** A mail was begun and did not come whole, or was too large. */
  | { readonly kind: 'broken-off'; readonly detail: string }

export type ReportAction = 'failed' | 'delayed' | 'delivered' | 'relayed' | 'expanded' | 'unknown'

/** One thing that came back, and from where. */
export interface Return {
  readonly atMs: number
  /** Address of who connected: behind a relay, the relay's. */
  readonly client: string
  /** What it called itself. */
  readonly greeting: string
  /** The reverse-path it came with; empty for the null one. */
  readonly returnPath: string
  readonly sizeBytes: number
  readonly returned: Returned
}

/** `question`: the token is asked with at RCPT only. `unknown`: a mail to an address that nobody has. */
export type TokenPurpose = 'mail' | 'unknown' | 'question'

export interface TokenUse {
  /** The id of the check. */
  readonly check: string
  readonly purpose: TokenPurpose
  readonly recipient: string
}

/** What became of the mail at the server: `open` until that is known, and for questions. */
export type MailOutcome = 'open' | 'accepted' | 'not-accepted' | 'unclear'

export interface CaughtToken extends TokenUse {
  /** 26 letters and digits of base32. */
  readonly token: string
  readonly issuedAtMs: number
  readonly outcome: MailOutcome
  /** In the order they came; at most `maxMailsPerToken` mails, and `maxOthersPerToken` of what was no whole mail. */
  readonly returns: readonly Return[]
}

export interface RunStart {
  readonly startedAtMs: number
  /** `mail.inst.example:25` */
  readonly server: string
  /** Where test mails go, '' for nowhere. */
  readonly mailbox: string
}

export interface CaughtRun extends RunStart {
  readonly id: string
  /** Stands in the plain test mail, and in nothing else: who knows it has read that mail. */
  readonly code: string
  readonly untilMs: number
  /** When somebody confirmed that the plain mail arrived; null: nobody has. */
  readonly confirmedAtMs: number | null
  /** When somebody said that it did not arrive. */
  readonly missingAtMs: number | null
  readonly tokens: readonly CaughtToken[]
}

export const maxMailsPerToken: number = 20
/** Counted apart: somebody who asks again and again must not keep a report out. */
export const maxOthersPerToken: number = 5

/** One file, used by several processes at a time. Everything throws a CatcherError when the file cannot be used. */
export interface CatchStore {
  /** Durable on return, as everything here. */
  readonly beginRun: (start: RunStart) => Pick<CaughtRun, 'id' | 'code'>
  readonly issue: (run: string, use: TokenUse, nowMs: number) => string
  readonly settle: (token: string, outcome: MailOutcome) => void
  /** Null: no token, or too old. */
  readonly find: (token: string, nowMs: number) => TokenContext | null
  /** False: the token has too many already, and this one was not kept. */
  readonly add: (token: string, found: Return) => boolean
  readonly run: (id: string, nowMs: number) => CaughtRun | null
  /** Newest first, without their tokens' returns being left out. */
  readonly runs: (nowMs: number) => readonly CaughtRun[]
  /** The run that has this code, or null. */
  readonly confirm: (code: string, nowMs: number) => string | null
  /** False: there is no such run. */
  readonly missing: (run: string, nowMs: number) => boolean
  /** A catcher says that it runs; null: that it ends. */
  readonly tellAlive: (nowMs: number | null) => void
  /** Has one said so in the last minutes? */
  readonly isAlive: (nowMs: number) => boolean
  /** Removes what is older than six days. */
  readonly purge: (nowMs: number) => void
  readonly close: () => void
}

/** How often a catcher says that it runs. */
export const aliveEveryMs: number = 60_000

/** What the catcher needs to know of a token. */
export interface TokenContext extends TokenUse {
  readonly run: string
  readonly code: string
  readonly issuedAtMs: number
  /** Whole mails that have come back already. */
  readonly mailCount: number
}

export class CatcherError extends Error {
  constructor(message: string, options?: ErrorOptions) {
    super(message, options)
    this.name = 'CatcherError'
  }
}

export type CatcherEvent =
  | {
      readonly kind: 'return-caught'
      readonly run: string
      readonly check: string
      readonly token: string
      readonly found: Return
      /** Since the token was issued. */
      readonly afterMs: number
    }
  /** The client got a temporary reply. */
  | { readonly kind: 'catcher-failed'; readonly error: string }
