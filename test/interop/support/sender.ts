// A mail server of the Internet as the tests see it: it takes a mail, queues it, and its log tells the rest.

import { waitFor } from './daemon.ts'
import { submit } from './submit.ts'

export interface OutgoingMail {
  readonly from: string
  readonly to: readonly string[]
  /** Header and body, lines ended by CRLF, not dot-stuffed. */
  readonly message: Buffer
  readonly is8Bit?: boolean
}

export type Outcome = 'sent' | 'bounced' | 'deferred'

export interface SendResult {
  /** The worst of all recipients: deferred before bounced before sent. */
  readonly outcome: Outcome
  readonly outcomes: ReadonlyMap<string, Outcome>
  /** The sender's log lines about this mail. */
  readonly log: string
}

export interface Sender extends AsyncDisposable {
  /** Throws when the log names no outcome for every recipient in time (30 s unless told). */
  send(mail: OutgoingMail, deadlineMs?: number): Promise<SendResult>
}

/** How one program names its mails and writes down what became of them. */
export interface SenderLog {
  /** Finds the queue id in the reply to the end of data. */
  readonly queueId: RegExp
  /** The recipients whose outcome a log line states. */
  parseLine(line: string): readonly { readonly recipient: string; readonly outcome: Outcome }[]
}

/** Gives the mail to the queueing server on `port` over SMTP and follows its log. */
export async function sendThrough(
  port: number,
  readLog: () => string,
  format: SenderLog,
  mail: OutgoingMail,
  deadlineMs: number,
): Promise<SendResult> {
  const reply = await submit(port, mail)
  const queueId = format.queueId.exec(reply)?.[1]
  if (queueId === undefined) throw new Error(`no queue id in: ${reply}`)
  const ownLines = (): readonly string[] =>
    readLog()
      .split('\n')
      .filter((line) => line.includes(queueId))
  return waitFor(
    () => {
      const outcomes = outcomesOf(ownLines(), format)
      if (!mail.to.every((recipient) => outcomes.has(recipient))) return undefined
      return { outcome: worstOf([...outcomes.values()]), outcomes, log: ownLines().join('\n') }
    },
    deadlineMs,
    () => `no outcome for every recipient after ${deadlineMs} ms:\n${readLog()}`,
  )
}

function outcomesOf(lines: readonly string[], format: SenderLog): ReadonlyMap<string, Outcome> {
  const outcomes = new Map<string, Outcome>()
  for (const line of lines) {
    for (const { recipient, outcome } of format.parseLine(line)) outcomes.set(recipient, outcome)
  }
  return outcomes
}

export function worstOf(outcomes: readonly Outcome[]): Outcome {
  if (outcomes.includes('deferred')) return 'deferred'
  return outcomes.includes('bounced') ? 'bounced' : 'sent'
}
