// Replies of the dialog itself. Verdicts about senders, recipients and mails are worded in verdict/.

import type { CommandProblem } from '#smtp/command.ts'
import {
  reply,
  type PermanentCode,
  type Reply,
  type StatusDetail,
  type TransientCode,
} from '#smtp/reply.ts'

export const ok: Reply = reply(250, '0.0', 'Ok')
export const senderOk: Reply = reply(250, '1.0', 'Ok')
export const recipientOk: Reply = reply(250, '1.5', 'Ok')
export const startContent: Reply = reply(354, null, 'End data with <CR><LF>.<CR><LF>')
export const chunkOk: Reply = reply(250, '0.0', 'Chunk received')
export const emptyChunk: Reply = reply(554, '5.1', 'An empty chunk must be the last one')
export const refusedMail: Reply = reply(554, '5.1', 'Dropped: this mail has been refused')
export const notBetweenChunks: Reply = reply(503, '5.1', 'Only BDAT or RSET may follow a chunk')
/** 521: content follows, which must not be read as commands. */
export const noChunking: Reply = reply(521, '5.1', 'BDAT is not offered here, closing connection')
export const readyForTls: Reply = reply(220, '0.0', 'Ready to start TLS')
export const alreadyEncrypted: Reply = reply(503, '5.1', 'TLS is already active')
export const pipelinedStartTls: Reply = reply(
  554,
  '5.1',
  'Nothing may be pipelined behind STARTTLS',
)
/** RFC 5321 §7.3: says neither yes nor no, so that addresses cannot be harvested. */
export const willNotVerify: Reply = reply(
  252,
  '5.1',
  'Cannot VRFY; send some mail, recipients are checked at RCPT',
)
export const notImplemented: Reply = reply(502, '5.1', 'Command not implemented')
export const help: Reply = reply(
  214,
  '0.0',
  'Commands: EHLO HELO MAIL RCPT DATA BDAT RSET NOOP QUIT VRFY HELP STARTTLS',
)

export const sayHelloFirst: Reply = reply(503, '5.1', 'Send EHLO or HELO first')
export const mailFirst: Reply = reply(503, '5.1', 'Send MAIL first')
export const nestedMail: Reply = reply(503, '5.1', 'A mail transaction is already open')
export const noValidRecipients: Reply = reply(554, '5.1', 'No valid recipients')
export const outOfPlace: Reply = reply(503, '5.1', 'Command out of place')

export function timeout(hostname: string): Reply {
  return reply(421, '4.2', `${hostname} timeout, closing connection`)
}

export function contentTimeout(hostname: string): Reply {
  return reply(421, '4.2', `${hostname} timeout, the content comes too slowly, closing connection`)
}

export function sessionTooLong(hostname: string): Reply {
  return reply(421, '7.0', `${hostname} the session lasts too long, please connect again`)
}

export function shuttingDown(hostname: string): Reply {
  return reply(421, '3.2', `${hostname} is shutting down, please try again`)
}

export function tooManyErrors(hostname: string): Reply {
  return reply(421, '7.0', `${hostname} too many errors, closing connection`)
}

export function tooManyCommands(hostname: string): Reply {
  return reply(421, '7.0', `${hostname} too many commands without a mail, closing connection`)
}

export function tooManyMails(hostname: string): Reply {
  return reply(421, '5.3', `${hostname} too many mails in one session, please connect again`)
}

export function goodbye(hostname: string): Reply {
  return reply(221, '0.0', `${hostname} closing connection`)
}

const problems: Readonly<
  Record<
    CommandProblem['kind'],
    { readonly code: PermanentCode | TransientCode; readonly status: StatusDetail }
  >
> = {
  'unknown-verb': { code: 500, status: '5.1' },
  syntax: { code: 501, status: '5.4' },
  'bad-sender': { code: 501, status: '1.7' },
  'bad-recipient': { code: 501, status: '1.3' },
  'unsupported-parameter': { code: 555, status: '5.4' },
  'bare-newline': { code: 500, status: '5.2' },
  'line-too-long': { code: 500, status: '5.2' },
  'not-utf8': { code: 500, status: '5.2' },
  'non-ascii': { code: 553, status: '6.7' },
  'bad-chunk': { code: 521, status: '5.4' },
  // Not for good: a mail whose content strays in here is none that anybody refused.
  'not-smtp': { code: 421, status: '7.0' },
  'out-of-turn': { code: 554, status: '5.0' },
}

export function forProblem(problem: CommandProblem): Reply {
  const { code, status } = problems[problem.kind]
  return reply(code, status, `Error: ${problem.detail}`)
}

/** A recipient's; a sender's is found while its command is parsed. */
export const needsSmtpUtf8: Reply = forProblem({
  kind: 'non-ascii',
  detail: 'a non-ASCII address needs SMTPUTF8',
})
