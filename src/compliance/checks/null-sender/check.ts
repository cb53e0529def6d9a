// Delivery reports and other automatic mail come from `<>`.

import { isPermanent } from '#smtp/reply.ts'
import { met, undetermined, violated, type Check } from '#compliance/check.ts'
import { wordsOf } from '#compliance/replies.ts'
import { askExisting, isAccepted } from '#compliance/seen.ts'
import { text } from '#compliance/text.ts'

export const nullSender: Check = {
  id: 'null-sender',
  title: text('Der leere Absender <> wird angenommen', 'The null sender <> is accepted'),
  requirement: text(
    'Mail mit leerem Rückpfad (Unzustellbarkeitsmeldungen) wird angenommen.',
    'Mail with the null reverse-path (delivery reports) is accepted.',
  ),
  source: 'RFC 5321 §4.5.5, RFC 1123 §5.2.9',
  severity: 'must',
  phase: 'recipients',
  needs: ['existing'],
  run: async (context) => {
    const asked = await askExisting(context)
    const fromNull = asked.find(({ from }) => from === '')
    const fromOther = asked.find(({ from }) => from !== '')
    if (fromNull === undefined) return undetermined(text('Nicht gefragt.', 'Not asked.'))
    const { answer } = fromNull
    const words = wordsOf(answer)
    if (isAccepted(fromNull))
      return met(text(`„${words}“`, `“${words}”`), { evidence: [answer.seen] })
    const isRefused = answer.kind !== 'none' && isPermanent(answer.reply)
    if (!isRefused || fromOther === undefined || !isAccepted(fromOther)) {
      return undetermined(
        text(
          `Auch andere Absender werden nicht angenommen: ${words}`,
          `Other senders are not accepted either: ${words}`,
        ),
        { subtype: 'no-difference', evidence: asked.map((each) => each.answer.seen) },
      )
    }
    return violated(text(`„${words}“`, `“${words}”`), {
      subtype: 'refused',
      evidence: asked.map((each) => each.answer.seen),
      measured: { calloutSender: 'mailbox' },
      remedy: {
        text: text(
          'Der leere Absender <> muss angenommen werden (Unzustellbarkeitsmeldungen). In Postfix: kein Eintrag „<>“ in check_sender_access.',
          'The null sender <> must be accepted (delivery reports). In Postfix: no entry “<>” in check_sender_access.',
        ),
        snippets: ['sender-checks'],
      },
    })
  },
}
