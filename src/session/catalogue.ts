// The other half of the reply catalogue: what the dialog itself says, printed from the replies it says.

import type { CommandProblem } from '#smtp/command.ts'
import { encodeReply, type Reply } from '#smtp/reply.ts'
import * as replies from './replies.ts'

type Name = Exclude<keyof typeof replies, 'forProblem'>
type Said = (typeof replies)[Name]

/** When each is said. A reply without a row does not compile. */
const when: Readonly<Record<Name, string>> = {
  ok: 'NOOP, RSET',
  senderOk: 'MAIL was taken',
  recipientOk: 'RCPT was taken',
  startContent: 'DATA: the content may come',
  chunkOk: 'BDAT: the octets have come',
  emptyChunk: 'BDAT 0 without LAST',
  refusedMail: 'BDAT behind a chunk whose mail was refused; its octets are dropped',
  notBetweenChunks: 'RCPT or DATA behind BDAT',
  noChunking: 'BDAT where `smtp.chunking` is off; the connection is closed',
  readyForTls: 'STARTTLS: the handshake may begin',
  alreadyEncrypted: 'STARTTLS over an encrypted connection',
  pipelinedStartTls: 'bytes behind STARTTLS; the connection is closed',
  willNotVerify: 'VRFY',
  notImplemented: 'EXPN; STARTTLS where it is not offered',
  help: 'HELP',
  sayHelloFirst: 'MAIL before EHLO or HELO',
  mailFirst: 'RCPT, DATA or BDAT before MAIL',
  nestedMail: 'MAIL inside a transaction',
  noValidRecipients: 'DATA or BDAT after MAIL, and no recipient was taken',
  outOfPlace: 'STARTTLS inside a transaction',
  needsSmtpUtf8: 'RCPT with a UTF-8 local part in a transaction without SMTPUTF8',
  timeout: 'no whole command came in `limits.commandTimeout`; the connection is closed',
  contentTimeout:
    'the content paused for `limits.dataTimeout`, or came slower than `limits.minDataRate`; the connection is closed',
  sessionTooLong: 'the session lasts longer than `limits.sessionTimeout`; the connection is closed',
  shuttingDown: 'the relay ends; the connection is closed',
  tooManyErrors: 'the error that was one too many; the connection is closed',
  tooManyCommands:
    'the command that was one too many since the last mail; the connection is closed',
  tooManyMails: 'MAIL after `limits.maxTransactions` mails; the connection is closed',
  goodbye: 'QUIT',
}

/** A line that is no command, with one of the details it can have. */
const problems: Readonly<
  Record<CommandProblem['kind'], { readonly detail: string; readonly when: string }>
> = {
  'unknown-verb': { detail: 'command not recognised', when: 'the verb is unknown' },
  syntax: { detail: 'SIZE needs a number', when: 'an argument is missing, malformed or too much' },
  'bad-sender': {
    detail: 'the closing angle bracket is missing',
    when: 'the path of MAIL is none',
  },
  'bad-recipient': { detail: 'the local part is malformed', when: 'the path of RCPT is none' },
  'unsupported-parameter': {
    detail: 'unsupported parameter of MAIL',
    when: 'a parameter of MAIL or RCPT is unknown',
  },
  'bare-newline': { detail: 'lines must end in CR LF', when: 'a CR, LF or NUL on its own' },
  'line-too-long': { detail: 'a line may have 2048 octets', when: 'the line is longer' },
  'not-utf8': { detail: 'the line is neither ASCII nor UTF-8', when: 'other octets in the line' },
  'non-ascii': {
    detail: 'a non-ASCII address needs SMTPUTF8',
    when: 'MAIL with a non-ASCII address, without SMTPUTF8',
  },
  'bad-chunk': {
    detail: 'BDAT needs a number of octets, then maybe LAST',
    when: 'BDAT that does not say how much follows; the connection is closed',
  },
  'not-smtp': {
    detail: 'this is not SMTP',
    when: 'a word of HTTP, a header field, or no letter at the start; the connection is closed',
  },
  'out-of-turn': {
    detail: 'more was sent before the reply to DATA',
    when: '`smtp.unauthorizedPipelining: reject`; the connection is closed',
  },
}

/** A chapter in Markdown, ending in a line feed. */
export function dialogRepliesChapter(): string {
  const rows = [
    ...Object.entries(replies).map(([name, said]) =>
      name in when ? row(exampleOf(said as Said), when[name as Name]) : '',
    ),
    ...Object.entries(problems).map(([kind, { detail, when: occasion }]) =>
      row(replies.forProblem({ kind: kind as CommandProblem['kind'], detail }), occasion),
    ),
  ]
  return `## Replies of the dialog itself

What the client gets for its commands, whatever the mail; printed from \`src/session/replies.ts\`. After \`Error:\` the text
says what is wrong with the line. All of class 5 here count towards \`limits.maxErrors\`.

| reply | when |
|---|---|
${rows.toSorted().join('')}`
}

function exampleOf(said: Said): Reply {
  return typeof said === 'function' ? said('mailrelay1.example.org') : said
}

function row(reply: Reply, occasion: string): string {
  return `| \`${encodeReply(reply).trimEnd()}\` | ${occasion} |\n`
}
