// The commands a client can send (RFC 5321 §4.1, RFC 3030, RFC 3207), each with its typed arguments.

import type { ForwardPath, ReversePath } from './path.ts'

/** Parameters of MAIL. Absent ones are null or false. */
export interface MailParameters {
  /** RFC 1870: declared size in bytes. */
  readonly sizeBytes: number | null
  /** RFC 6152: BODY=8BITMIME. */
  readonly is8BitMime: boolean
  /** RFC 6531 §3.4. */
  readonly isSmtpUtf8: boolean
}

export type Command =
  | { readonly verb: 'EHLO'; readonly name: string }
  | { readonly verb: 'HELO'; readonly name: string }
  | {
      readonly verb: 'MAIL'
      readonly reversePath: ReversePath
      readonly parameters: MailParameters
    }
  | { readonly verb: 'RCPT'; readonly forwardPath: ForwardPath }
  | { readonly verb: 'DATA' }
  /** RFC 3030 §2: that many octets of content follow the line. A whole number, at most 2^53 - 1. */
  | { readonly verb: 'BDAT'; readonly sizeBytes: number; readonly isLast: boolean }
  | { readonly verb: 'RSET' }
  | { readonly verb: 'NOOP' }
  | { readonly verb: 'QUIT' }
  | { readonly verb: 'VRFY' }
  | { readonly verb: 'EXPN' }
  | { readonly verb: 'HELP' }
  | { readonly verb: 'STARTTLS' }

export type Verb = Command['verb']

/** Why a line is not a command. `detail` is a phrase of ours, fit for a reply. */
export interface CommandProblem {
  readonly kind:
    | 'unknown-verb'
    | 'syntax'
    | 'bad-sender'
    | 'bad-recipient'
    | 'unsupported-parameter'
    | 'bare-newline'
    | 'line-too-long'
    | 'not-utf8'
    | 'non-ascii'
    /** A BDAT that does not say how many octets follow: what comes cannot be told from commands. */
    | 'bad-chunk'
    /** HTTP, TLS, a header field: whoever sends it does not speak SMTP here. */
    | 'not-smtp'
    /** It came before the reply that the client has to wait for. */
    | 'out-of-turn'
  readonly detail: string
}
