// Behind a relay the connecting address is never in the sender's SPF record.

import { isPermanent, type PeerReply } from '#smtp/reply.ts'
import { met, undetermined, violated, type Check, type CheckContext } from '#compliance/check.ts'
import { isSenderDomainProblem, isSpf, wordsOf } from '#compliance/replies.ts'
import { askExisting, isAccepted, verdictOf } from '#compliance/seen.ts'
import { text } from '#compliance/text.ts'

/** Its SPF record says that nobody sends for it (`v=spf1 -all`); reserved by RFC 2606. */
const failingSender = 'x@example.com'

export const noSpfOnRelayed: Check = {
  id: 'no-spf-on-relayed',
  title: text('Kein SPF gegen die Relays', 'No SPF against the relays'),
  requirement: text(
    'Der Server prüft SPF nicht gegen die Adresse des Relays.',
    'The server does not check SPF against the relay’s address.',
  ),
  source: 'service requirement (f), RFC 7208 §9',
  severity: 'must',
  phase: 'policy',
  needs: ['existing'],
  run: async (context) => {
    const { questions, target } = context
    const [vantage] = target.vantages
    const [to = ''] = target.existing
    const answer = await questions.askOnce({ vantage, from: failingSender, to })
    const words = wordsOf(answer)
    const evidence = [answer.seen]
    if (verdictOf(answer) === 'accepted') {
      return met(
        text(
          'Ein Absender, dessen SPF das Relay nicht nennt, wird angenommen (bis RCPT geprüft).',
          'A sender whose SPF does not name the relay is accepted (checked up to RCPT).',
        ),
        { evidence },
      )
    }
    if (answer.kind !== 'none' && !isSpf(answer.reply) && (await isAlone(context, answer.reply))) {
      return violated(text(`„${words}“`, `“${words}”`), {
        subtype: 'refused-unlike-others',
        evidence,
        remedy: {
          text: text(
            `Ein Absender, dessen SPF das Relay nicht nennt, wird abgelehnt, ein anderer nicht („${words}“). Nehmen Sie die Relay-Netze von Prüfungen des Absenders aus.`,
            `A sender whose SPF does not name the relay is refused, another one is not (“${words}”). Exempt the relay networks from checks of the sender.`,
          ),
          snippets: ['sender-checks', 'filters'],
        },
      })
    }
    if (answer.kind === 'none' || !isSpf(answer.reply)) {
      return undetermined(
        text(
          `Aus anderem Grund nicht angenommen: ${words}`,
          `Not accepted for another reason: ${words}`,
        ),
        { subtype: 'other-reason', evidence },
      )
    }
    return violated(text(`„${words}“`, `“${words}”`), {
      subtype: 'spf',
      evidence,
      remedy: {
        text: text(
          'Ihr Server prüft SPF gegen die Adresse des Relays; das schlägt bei fast jeder Mail fehl. Nehmen Sie die Relay-Netze aus (policyd-spf: skip_addresses).',
          'Your server checks SPF against the relay’s address; that fails for almost every mail. Exempt the relay networks (policyd-spf: skip_addresses).',
        ),
        snippets: ['sender-checks', 'filters'],
      },
    })
  },
}

/** Refused for good though another sender is not, and not because the domain takes no mail (RFC 7505). */
async function isAlone(context: CheckContext, reply: PeerReply): Promise<boolean> {
  if (!isPermanent(reply) || isSenderDomainProblem(reply)) return false
  return (await askExisting(context)).every(isAccepted)
}
