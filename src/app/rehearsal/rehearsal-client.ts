// The client of a rehearsal: one mail a session, as the servers of senders speak.

import { connect } from '#net/connect.ts'
import type { Connection } from '#net/connection.ts'
import { ReplyDecoder } from '#smtp/reply-decoder.ts'

export interface RehearsalMail {
  readonly port: number
  readonly domain: string
  /** Of the mail: says what it is like. */
  readonly number: number
  readonly signal: AbortSignal
}

const timeoutMs = 5000
const body = `${'All the world is a stage, and all the mails merely players.\r\n'.repeat(60)}.\r\n`
const knownCount = 4

/** Rejects when the relay answers anything but yes. */
export async function sendRehearsalMail(mail: RehearsalMail): Promise<void> {
  const { port, signal } = mail
  const connection = await connect({ address: '127.0.0.1', port, timeoutMs, signal })
  try {
    await speak(connection, linesOf(mail))
  } finally {
    connection.destroy()
  }
}

/** What is said after the banner and after each positive reply; a group waits for the reply to its last line. */
function linesOf({ number, domain }: RehearsalMail): readonly (readonly [string, number])[] {
  const recipient = recipientOf(number)
  const envelope = [`MAIL FROM:<client@${domain}>\r\n`, `RCPT TO:<${recipient}@${domain}>\r\n`]
  const content = `From: <client@${domain}>\r\nSubject: Rehearsal ${number}\r\n\r\n${body}`
  const rest = [
    ['DATA\r\n', 1],
    [content, 1],
    ['QUIT\r\n', 1],
  ] as const
  if (number % 2 === 0) return [['HELO rehearsal.invalid\r\n', 1], ...envelope.map(alone), ...rest]
  return [['EHLO rehearsal.invalid\r\n', 1], [`${envelope.join('')}DATA\r\n`, 3], ...rest.slice(1)]
}

/** In turn: known, new (to be asked for), and one whose server says “later”, so that the mail is taken over. */
function recipientOf(number: number): string {
  switch (number % 3) {
    case 0:
      return `known${number % knownCount}`
    case 1:
      return `new${number}`
    default:
      return 'later'
  }
}

function alone(line: string): readonly [string, number] {
  return [line, 1]
}

function speak(
  connection: Connection,
  lines: readonly (readonly [string, number])[],
): Promise<void> {
  const decoder = new ReplyDecoder()
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error('no answer')), timeoutMs)
    const fail = (why: string): void => reject(new Error(why))
    let next = 0
    let awaitedCount = 1
    connection.attach({
      onData: (chunk) => {
        decoder.push(chunk)
        for (let decoded = decoder.next(); decoded !== null; decoded = decoder.next()) {
          if (decoded.kind === 'malformed') return fail(decoded.detail)
          if (decoded.reply.code >= 400) return fail(decoded.reply.lines.join(' '))
          awaitedCount -= 1
        }
        const group = awaitedCount === 0 ? lines[next++] : undefined
        if (group === undefined) return
        awaitedCount = group[1]
        connection.write(group[0])
      },
      onEnd: () => connection.end(),
      onDrain: () => undefined,
      onClose: (error) => {
        clearTimeout(timer)
        if (error === null && next > lines.length - 1) resolve()
        else reject(error ?? new Error('closed too early'))
      },
    })
  })
}
