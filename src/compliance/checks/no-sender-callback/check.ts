// Senders are verified at the edge. A server behind it that calls them back refuses mail of those that do not answer.

import { freshSender } from '#compliance/addresses.ts'
import { met, undetermined, violated, type Check } from '#compliance/check.ts'
import { isSenderVerification, wordsOf } from '#compliance/replies.ts'
import { verdictOf } from '#compliance/seen.ts'
import { text } from '#compliance/text.ts'

export const noSenderCallback: Check = {
  id: 'no-sender-callback',
  title: text('Keine Rückfrage beim Absender', 'No sender callbacks'),
  requirement: text(
    'Der Server prüft Absender nicht durch Rückfrage bei deren Server.',
    'The server does not verify senders by asking their servers back.',
  ),
  source: 'service requirement (f)',
  severity: 'must',
  phase: 'policy',
  needs: ['existing'],
  run: async ({ questions, prober, target }) => {
    const [vantage] = target.vantages
    const [to = ''] = target.existing
    // Nobody has this address: a server that asks back is told so, or gets no answer.
    const from = freshSender(prober.senderDomain)
    const answer = await questions.ask({ vantage, from, to })
    const words = wordsOf(answer)
    const evidence = [answer.seen]
    if (verdictOf(answer) === 'accepted') {
      return met(
        text(
          'Ein Absender, den es nicht gibt, wird angenommen.',
          'A sender that does not exist is accepted.',
        ),
        { evidence },
      )
    }
    if (answer.kind === 'none' || !isSenderVerification(answer.reply)) {
      return undetermined(
        text(
          `Aus anderem Grund nicht angenommen: ${words}`,
          `Not accepted for another reason: ${words}`,
        ),
        { subtype: 'other-reason', evidence },
      )
    }
    return violated(text(`„${words}“`, `“${words}”`), {
      subtype: 'callback',
      evidence,
      remedy: {
        text: text(
          'Ihr Server prüft Absender durch Rückfrage. Das hat das Relay schon getan; schalten Sie es ab (Postfix: reject_unverified_sender entfernen).',
          'Your server verifies senders by callback. The relay has done that; disable it (Postfix: remove reject_unverified_sender).',
        ),
        snippets: ['sender-checks'],
      },
    })
  },
}
