// Who talks to whom, and what has to be true afterwards: the same with and without the relay in between.

import assert from 'node:assert/strict'
import { startEximInstitute, startEximSender } from './exim.ts'
import type { InstituteOptions, InstituteServer, ReceivedMail } from './institute.ts'
import { localParts, makeTestMails, senderDomain, type TestMail } from './messages.ts'
import { startOpenSmtpdInstitute, startOpenSmtpdSender } from './opensmtpd.ts'
import { startPostfixInstitute, startPostfixSender } from './postfix.ts'
import type { OutgoingMail, Sender } from './sender.ts'
import { startSendmailSender } from './sendmail.ts'

export const domain: string = 'inst.example'
export const mailboxes: readonly string[] = localParts(100)
export const stranger: string = `nobody@${domain}`
export const mails: readonly TestMail[] = makeTestMails()

export interface InstituteKind {
  readonly name: 'postfix' | 'exim' | 'opensmtpd'
  readonly start: (prefix: string, options: InstituteOptions) => Promise<InstituteServer>
  /** What it says to a stranger, code and words. */
  readonly refusal: RegExp
}

export const institutes: readonly InstituteKind[] = [
  {
    name: 'postfix',
    start: startPostfixInstitute,
    refusal: /550 5\.1\.1 .*User unknown in virtual mailbox table/,
  },
  { name: 'exim', start: startEximInstitute, refusal: /550 5\.1\.1 .*no such mailbox here/ },
  { name: 'opensmtpd', start: startOpenSmtpdInstitute, refusal: /550 .*Invalid recipient/ },
]

export interface SenderKind {
  readonly name: 'postfix' | 'exim' | 'opensmtpd' | 'sendmail'
  readonly start: (prefix: string, options: { readonly relayPort: number }) => Promise<Sender>
}

export const senders: readonly SenderKind[] = [
  { name: 'postfix', start: startPostfixSender },
  { name: 'exim', start: startEximSender },
  { name: 'opensmtpd', start: startOpenSmtpdSender },
  { name: 'sendmail', start: startSendmailSender },
]

/** The mail with its envelope. The reverse-path is what tells it apart from the same mail on another way. */
export function addressed(mail: TestMail, way: string): OutgoingMail {
  return {
    from: `${way}.${mail.name}@${senderDomain}`.toLowerCase(),
    to: mailboxes.slice(0, mail.recipientCount).map((name) => `${name}@${domain}`),
    message: mail.message,
    is8Bit: mail.is8Bit,
  }
}

/** Any mail of the set, to somebody who does not exist. */
export function toStranger(way: string): OutgoingMail {
  const [mail] = mails
  assert.ok(mail)
  return { ...addressed(mail, `${way}.stranger`), to: [stranger] }
}

/** Each named recipient has the mail exactly once, and each body is what was sent, byte for byte. */
export async function assertArrived(
  institute: InstituteServer,
  mail: TestMail,
  sent: OutgoingMail,
): Promise<readonly ReceivedMail[]> {
  const isIt = (candidate: ReceivedMail): boolean => candidate.reversePath === sent.from
  const arrived = await institute.waitForMails(sent.to.length, 15_000, isIt)
  assert.deepEqual(
    arrived.map(({ mailbox }) => `${mailbox}@${domain}`).toSorted(),
    sent.to.toSorted(),
  )
  for (const { sha256OfBody, mailbox } of arrived) {
    assert.equal(sha256OfBody, mail.sha256OfBody, `body of ${mail.name} in mailbox ${mailbox}`)
  }
  return arrived
}
