// A server that said yes to an unknown recipient: what does it do with the mail?

import { isPermanent } from '#smtp/reply.ts'
import { notApplicable, undetermined, violated, type Check } from '#compliance/check.ts'
import { plainText } from '#compliance/payloads.ts'
import { askUnknown, isTaken } from '#compliance/seen.ts'
import { send } from '#compliance/sending.ts'
import { met } from '#compliance/check.ts'
import { text } from '#compliance/text.ts'

export const rcptLateRejection: Check = {
  id: 'rcpt-late-rejection',
  title: text(
    'Unbekannte nicht erst nach dem Inhalt ablehnen',
    'Unknown ones are not refused after content',
  ),
  requirement: text(
    'Wer unbekannte Empfänger in der RCPT-Phase annimmt, darf sie auch danach nicht ablehnen; besser ist, sie dort abzulehnen.',
    'Who accepts unknown recipients in the RCPT phase may not refuse them later; better to refuse them there.',
  ),
  source: 'service requirement (b), (c)',
  severity: 'must',
  phase: 'content',
  needs: ['existing', 'send'],
  run: async (context) => {
    const unknown = await askUnknown(context)
    const taken = unknown.find((each) => isTaken(each) && context.target.random.includes(each.to))
    if (taken === undefined) {
      return unknown.every(({ answer }) => answer.kind === 'rcpt')
        ? met(
            text(
              'Unbekannte werden schon bei RCPT abgelehnt.',
              'Unknown ones are refused at RCPT already.',
            ),
          )
        : notApplicable(text('Keine Antwort auf RCPT.', 'No reply to RCPT.'))
    }
    const sent = await send(context, { payload: plainText(), to: taken.to })
    const evidence = [taken.answer.seen, sent.seen]
    const remedy = {
      text: text(
        `Ihr Server entscheidet erst nach der Datenübertragung („${sent.words}“). Das Relay hat die Mail dann schon angenommen und müsste selbst eine Unzustellbarkeitsmeldung erzeugen. Prüfen Sie Empfänger in der RCPT-Phase.`,
        `Your server decides only after DATA (“${sent.words}”); by then the relay has accepted the mail and would have to bounce it. Validate recipients at RCPT.`,
      ),
      snippets: ['recipients' as const],
    }
    if (sent.kind !== 'answered') {
      return undetermined(
        text(
          `Keine Antwort auf den Inhalt: ${sent.words}`,
          `No reply to the content: ${sent.words}`,
        ),
        { evidence },
      )
    }
    if (sent.said.reply.code < 300) {
      return undetermined(
        text(
          `Mail an ${taken.to}, das es nicht gibt, wurde angenommen: ein Sammelpostfach, eine spätere Unzustellbarkeitsmeldung oder stilles Löschen.`,
          `Mail to ${taken.to}, which does not exist, was accepted: a catch-all, a bounce later, or silent discard.`,
        ),
        { subtype: 'catch-all-bounce-or-discard', evidence, remedy },
      )
    }
    return violated(text(`„${sent.words}“`, `“${sent.words}”`), {
      subtype: isPermanent(sent.said.reply) ? 'late-rejection' : 'data-tempfail',
      evidence,
      remedy,
    })
  },
}
