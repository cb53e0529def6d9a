// One mail in a run to a recipient that does not exist, when the server has said yes to one.

import type { CheckContext } from '#compliance/check.ts'
import type { Questions } from '#compliance/dialog/questions.ts'
import { plainText } from '#compliance/payloads.ts'
import { askUnknown, isTaken, seenOf, type Asked } from '#compliance/seen.ts'
import { send, type Sent } from '#compliance/sending.ts'
import type { Excerpt } from '#compliance/transcript.ts'

export type UnknownMail =
  /** There was nothing to be sent. */
  | { readonly kind: 'refused-at-rcpt'; readonly evidence: readonly Excerpt[] }
  | { readonly kind: 'no-reply' }
  | { readonly kind: 'sent'; readonly taken: Asked; readonly sent: Sent }

/** By the questions of a run. */
const mails = new WeakMap<Questions, Promise<UnknownMail>>()

/** Sent once, whoever asks. Only for checks that need `send`. */
export function mailToUnknown(context: CheckContext): Promise<UnknownMail> {
  const before = mails.get(context.questions)
  if (before !== undefined) return before
  const mail = sendIt(context)
  mails.set(context.questions, mail)
  return mail
}

async function sendIt(context: CheckContext): Promise<UnknownMail> {
  const unknown = await askUnknown(context)
  const taken = unknown.find((each) => isTaken(each) && context.target.random.includes(each.to))
  if (taken === undefined) {
    return unknown.every(({ answer }) => answer.kind === 'rcpt')
      ? { kind: 'refused-at-rcpt', evidence: seenOf(unknown) }
      : { kind: 'no-reply' }
  }
  const sent = await send(context, {
    payload: plainText(),
    to: taken.to,
    check: 'no-backscatter-unknown',
    purpose: 'unknown',
  })
  return { kind: 'sent', taken, sent }
}
