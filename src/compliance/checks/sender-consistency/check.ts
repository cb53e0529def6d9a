// The relay asks with its own sender and delivers with that of the mail: the answer must be the same.

import { freshSender } from '#compliance/addresses.ts'
import { met, undetermined, violated, type Check } from '#compliance/check.ts'
import { isSenderDomainProblem, wordsOf } from '#compliance/replies.ts'
import { askExisting, isAccepted, isDeferred, seenOf } from '#compliance/seen.ts'
import { text } from '#compliance/text.ts'

export const senderConsistency: Check = {
  id: 'sender-consistency',
  title: text(
    'Die Antwort hängt nicht vom Absender ab',
    'The answer does not depend on the sender',
  ),
  requirement: text(
    'Ein Empfänger wird bei jedem Absender gleich beantwortet.',
    'A recipient is answered the same way whoever the sender is.',
  ),
  source: 'best practice (callouts)',
  severity: 'should',
  phase: 'recipients',
  needs: ['existing'],
  run: async (context) => {
    const [vantage] = context.target.vantages
    const [to = ''] = context.target.existing
    const from = freshSender(context.prober.senderDomain)
    const fresh = {
      vantage,
      from,
      to,
      answer: await context.questions.askOnce({ vantage, from, to }),
    }
    const asked = [...(await askExisting(context)), fresh]
    const evidence = seenOf(asked)
    const accepted = asked.filter(isAccepted)
    if (accepted.length === asked.length) {
      return met(
        text('Bei drei Absendern dieselbe Antwort.', 'The same answer for three senders.'),
        {
          evidence,
          measured: { calloutSender: 'null' },
        },
      )
    }
    const other = asked.find((each) => !isAccepted(each))
    const [yes] = accepted
    const words = other === undefined ? '' : wordsOf(other.answer)
    if (yes === undefined || other === undefined) {
      return undetermined(
        text(`Kein Absender wird angenommen: ${words}`, `No sender is accepted: ${words}`),
        { subtype: 'no-difference', evidence },
      )
    }
    if (other.answer.kind === 'none' || isSenderDomainProblem(other.answer.reply)) {
      return undetermined(
        text(
          `Die Absenderdomäne der Prüfung ist das Problem: ${words} (--sender-domain)`,
          `The sender domain of the check is the problem: ${words} (--sender-domain)`,
        ),
        { subtype: 'sender-domain', evidence },
      )
    }
    if (isDeferred(other)) {
      return undetermined(
        text(
          `Absender <${other.from}> vorläufig abgelehnt: ${words}`,
          `Sender <${other.from}> refused for now: ${words}`,
        ),
        { subtype: 'deferred', evidence },
      )
    }
    return violated(
      text(
        `<${yes.from}> wird angenommen, <${other.from}> nicht: „${words}“`,
        `<${yes.from}> is accepted, <${other.from}> is not: “${words}”`,
      ),
      {
        subtype: 'depends-on-sender',
        evidence,
        measured: {
          calloutSender: asked.some((each) => each.from === '' && isAccepted(each))
            ? 'null'
            : 'mailbox',
        },
        remedy: {
          text: text(
            'Das Ergebnis hängt vom Absender ab. Schalten Sie Absenderprüfungen für die Relays ab.',
            'The verdict depends on the sender. Disable sender checks for the relays.',
          ),
          snippets: ['sender-checks'],
        },
      },
    )
  },
}
