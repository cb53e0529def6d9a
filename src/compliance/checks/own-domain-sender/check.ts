// Mail with the own domain as sender comes from outside all the time: lists, forwards, forms.

import { met, undetermined, violated, type Check } from '#compliance/check.ts'
import { wordsOf } from '#compliance/replies.ts'
import { askExisting, isAccepted, isRefused, verdictOf } from '#compliance/seen.ts'
import { text } from '#compliance/text.ts'

export const ownDomainSender: Check = {
  id: 'own-domain-sender',
  title: text('Eigene Domäne als Absender', 'The own domain as sender'),
  requirement: text(
    'Mail mit einer Adresse der eigenen Domäne als Absender wird angenommen.',
    'Mail with an address of the own domain as sender is accepted.',
  ),
  source: 'best practice (lists, forwards, web forms)',
  severity: 'should',
  phase: 'policy',
  needs: ['existing'],
  run: async (context) => {
    const [vantage] = context.target.vantages
    const [to = ''] = context.target.existing
    const answer = await context.questions.askOnce({ vantage, from: to, to })
    const words = wordsOf(answer)
    const evidence = [answer.seen]
    if (verdictOf(answer) === 'accepted') return met(text(`„${words}“`, `“${words}”`), { evidence })
    const others = await askExisting(context)
    const isDifferent = others.some(isAccepted)
    const isPermanent = answer.kind !== 'none' && answer.reply.code >= 500
    if (!isDifferent || !(isPermanent || isRefused({ vantage, from: to, to, answer }))) {
      return undetermined(
        text(
          `Auch andere Absender werden nicht angenommen: ${words}`,
          `Other senders are not accepted either: ${words}`,
        ),
        { subtype: 'no-difference', evidence },
      )
    }
    return violated(text(`„${words}“`, `“${words}”`), {
      subtype: 'refused',
      evidence,
      remedy: {
        text: text(
          'Mails mit eigener Absenderdomäne werden von außen abgelehnt; Listen und Weiterleitungen sind betroffen. Überlassen Sie das dem Relay.',
          'Mail with your own sender domain is refused from outside; lists and forwards suffer. Leave that to the relay.',
        ),
        snippets: ['sender-checks'],
      },
    })
  },
}
