// Senders are verified at the edge. A server behind it that calls them back refuses mail of those that do not answer.

import { freshSender } from '#compliance/addresses.ts'
import {
  met,
  undetermined,
  violated,
  type Check,
  type CheckContext,
  type Finding,
} from '#compliance/check.ts'
import { isSenderVerification, wordsOf } from '#compliance/replies.ts'
import { issueSender } from '#compliance/returns/catching.ts'
import { callbackRemedy, returnJudges } from '#compliance/returns/judge-returns.ts'
import { verdictOf } from '#compliance/seen.ts'
import { text } from '#compliance/text.ts'
import type { Excerpt } from '#compliance/transcript.ts'

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
  seesFurther: true,
  run: async (context) => {
    const { questions, prober, target } = context
    const [vantage] = target.vantages
    const [to = ''] = target.existing
    // Nobody has this address: a server that asks back is told so, or gets no answer.
    const from = freshSender(prober.senderDomain)
    const answer = await questions.ask({ vantage, from, to })
    const words = wordsOf(answer)
    const evidence = [answer.seen]
    if (verdictOf(answer) === 'accepted') {
      const caught = await callbackOf(context)
      if (caught !== null) return caught
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
    const caught = await callbackOf(context)
    return violated(text(`„${words}“`, `“${words}”`), {
      subtype: 'callback',
      evidence: [...evidence, ...(caught?.evidence ?? [])],
      facts: caught?.facts ?? {},
      remedy: callbackRemedy,
    })
  },
}

/** Servers ask back before they answer, or at the next look; those that do it later are told of later. */
const lookCount = 8
const lookEveryMs = 250

/** Asks with a sender that the catcher knows, and looks whether somebody asked for it. Null: nobody did, so far. */
async function callbackOf(context: CheckContext): Promise<Finding | null> {
  const { catching, questions, target } = context
  if (catching === null) return null
  const [vantage] = target.vantages
  const [to = ''] = target.existing
  const from = issueSender(context, { purpose: 'question', recipient: to })
  const answer = await questions.ask({ vantage, from, to })
  const evidence: readonly Excerpt[] = [answer.seen]
  catching.seen.set(from, answer.seen)
  for (let count = 0; count < lookCount; count += 1) {
    const { finding } = returnJudges['no-sender-callback'](catching.look())
    if (finding.kind === 'violated') return { ...finding, evidence }
    if (!(await context.sleep(lookEveryMs))) break
  }
  return null
}
