// One mail in a run to a recipient that does not exist, when the server has said yes to one.

import { undetermined, type CheckContext, type Finding } from '#compliance/check.ts'
import type { Questions } from '#compliance/dialog/questions.ts'
import { plainText } from '#compliance/payloads.ts'
import { wordsOf } from '#compliance/replies.ts'
import { askUnknown, isRefused, isTaken, seenOf, type Asked } from '#compliance/seen.ts'
import { send, type Sent } from '#compliance/sending.ts'
import { text } from '#compliance/text.ts'
import type { Excerpt } from '#compliance/transcript.ts'

export type UnknownMail =
  /** There was nothing to be sent. */
  | { readonly kind: 'refused-at-rcpt'; readonly evidence: readonly Excerpt[] }
  /** Not all were refused: what becomes of the others is not known. */
  | {
      readonly kind: 'no-final-reply'
      readonly words: string
      readonly evidence: readonly Excerpt[]
    }
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
    const open = unknown.find((each) => !isRefused(each))
    const evidence = seenOf(unknown)
    return open === undefined
      ? { kind: 'refused-at-rcpt', evidence }
      : { kind: 'no-final-reply', words: wordsOf(open.answer), evidence }
  }
  const sent = await send(context, {
    payload: plainText(),
    to: taken.to,
    check: 'no-backscatter-unknown',
    purpose: 'unknown',
  })
  return { kind: 'sent', taken, sent }
}

/** A deferral is no refusal: the recipient may be accepted the next time. */
export function noFinalReply({
  words,
  evidence,
}: Extract<UnknownMail, { readonly kind: 'no-final-reply' }>): Finding {
  return undetermined(
    text(
      `Keine endgültige Antwort auf RCPT für Unbekannte: ${words}`,
      `No final reply to RCPT for unknown ones: ${words}`,
    ),
    { subtype: 'no-final-reply', evidence },
  )
}
