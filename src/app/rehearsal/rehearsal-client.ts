// The client of a rehearsal: one mail a session, as the servers of senders speak.

import type { ClientTls } from '#net/client-tls.ts'
import { connect } from '#net/connect.ts'
import type { Connection } from '#net/connection.ts'
import { ReplyDecoder } from '#smtp/reply-decoder.ts'

export interface RehearsalMail {
  readonly port: number
  readonly domain: string
  /** Of the mail: says what it is like. */
  readonly number: number
  /** Null: the relay has no certificate, and nothing is encrypted. */
  readonly clientTls: ClientTls | null
  readonly signal: AbortSignal
}

const timeoutMs = 5000
const body = `${'All the world is a stage, and all the mails merely players.\r\n'.repeat(60)}.\r\n`
const knownCount = 4
const startTls = 'STARTTLS\r\n'
/** A handshake costs as much as five mails. */
const encryptedEvery = 8

/** Rejects when the relay answers anything but yes. */
export async function sendRehearsalMail(mail: RehearsalMail): Promise<void> {
  const { port, signal } = mail
  const connection = await connect({ address: '127.0.0.1', port, timeoutMs, signal })
  try {
    await speak(connection, linesOf(mail), mail.clientTls)
  } finally {
    connection.destroy()
  }
}

/** What is said after the banner and after each positive reply; a group waits for the reply to its last line. */
function linesOf({
  number,
  domain,
  clientTls,
}: RehearsalMail): readonly (readonly [string, number])[] {
  const recipient = recipientOf(number)
  const envelope = [`MAIL FROM:<client@${domain}>\r\n`, `RCPT TO:<${recipient}@${domain}>\r\n`]
  const content = `From: <client@${domain}>\r\nSubject: Rehearsal ${number}\r\n\r\n${body}`
  const rest = [
    ['DATA\r\n', 1],
    [content, 1],
    ['QUIT\r\n', 1],
  ] as const
  if (number % 2 === 0) return [['HELO rehearsal.invalid\r\n', 1], ...envelope.map(alone), ...rest]
  const hello = ['EHLO rehearsal.invalid\r\n', 1] as const
  const isEncrypted = clientTls !== null && number % encryptedEvery === 1
  const encrypted = isEncrypted ? ([[startTls, 1], hello] as const) : []
  return [hello, ...encrypted, [`${envelope.join('')}DATA\r\n`, 3], ...rest.slice(1)]
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
  clientTls: ClientTls | null,
): Promise<void> {
  const decoder = new ReplyDecoder()
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error('no answer')), timeoutMs)
    const fail = (why: string): void => reject(new Error(why))
    let next = 0
    let awaitedCount = 1
    const sayNext = (): void => {
      const group = lines[next++]
      if (group === undefined) return
      awaitedCount = group[1]
      connection.write(group[0])
    }
    connection.attach({
      onData: (chunk) => {
        decoder.push(chunk)
        for (let decoded = decoder.next(); decoded !== null; decoded = decoder.next()) {
          if (decoded.kind === 'malformed') return fail(decoded.detail)
          if (decoded.reply.code >= 400) return fail(decoded.reply.lines.join(' '))
          awaitedCount -= 1
        }
        if (awaitedCount > 0) return
        if (lines[next - 1]?.[0] !== startTls || clientTls === null) sayNext()
        else encrypt(connection, clientTls).then(sayNext, reject)
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

/** Whose certificate it is does not matter: both ends are this process. */
async function encrypt(connection: Connection, clientTls: ClientTls): Promise<void> {
  await connection.startTlsClient({
    clientTls,
    sniName: null,
    names: [],
    resume: null,
    onResumption: () => undefined,
  })
}
