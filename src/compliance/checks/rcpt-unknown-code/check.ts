// A code and words that tell a sender what is wrong.

import { isPermanent, type PeerReply } from '#smtp/reply.ts'
import { met, notApplicable, violated, type Check } from '#compliance/check.ts'
import { judgeRecipient, wordsOf } from '#compliance/replies.ts'
import { askUnknown, isAccepted } from '#compliance/seen.ts'
import { text } from '#compliance/text.ts'

export const rcptUnknownCode: Check = {
  id: 'rcpt-unknown-code',
  title: text(
    'Die Ablehnung nennt den Grund (550 5.1.1)',
    'The refusal names its reason (550 5.1.1)',
  ),
  requirement: text(
    'Unbekannte Empfänger bekommen 550, am besten mit 5.1.1, damit Absender die Ursache erkennen.',
    'Unknown recipients get 550, best with 5.1.1, so that senders see the cause.',
  ),
  source: 'RFC 5321 §4.2.3, RFC 3463, RFC 5248',
  severity: 'should',
  phase: 'recipients',
  needs: ['existing'],
  run: async (context) => {
    const unknown = await askUnknown(context)
    const refusals = unknown.flatMap(({ answer }) =>
      answer.kind === 'rcpt' && isPermanent(answer.reply) ? [answer] : [],
    )
    const [first] = refusals
    if (first === undefined || unknown.some(isAccepted)) {
      return notApplicable(
        text(
          'Unbekannte Empfänger werden nicht endgültig abgelehnt.',
          'Unknown recipients are not refused for good.',
        ),
      )
    }
    const worse = refusals.find(({ reply }) => faultOf(reply) !== null)
    if (worse === undefined) {
      return met(text(`„${wordsOf(first)}“`, `“${wordsOf(first)}”`), { evidence: [first.seen] })
    }
    const words = wordsOf(worse)
    return violated(text(`„${words}“`, `“${words}”`), {
      subtype: faultOf(worse.reply) ?? 'code-unspecific',
      evidence: [worse.seen],
      remedy: {
        text: text(
          `„${words}“ sagt nicht eindeutig, dass es die Adresse nicht gibt. Bitte 550 5.1.1 verwenden; das Relay wertet andere Ablehnungen nur als vorläufig, solange es kein Muster dafür hat (pforte domain set --no-such-mailbox).`,
          `“${words}” does not say clearly that the address does not exist. Use 550 5.1.1; the relay takes other refusals for temporary ones unless it has a pattern for them (pforte domain set --no-such-mailbox).`,
        ),
        snippets: ['recipients'],
      },
    })
  },
}

/** Null: a 550 that means "no such mailbox". */
function faultOf(
  reply: PeerReply,
): 'code-nonstandard' | 'code-unspecific' | 'sounds-like-policy' | null {
  const verdict = judgeRecipient(reply)
  if (verdict === 'refused-policy' || verdict === 'relay-denied') return 'sounds-like-policy'
  if (reply.code === 550) return null
  const known = [501, 504, 521, 551, 552, 553, 554, 556]
  return known.includes(reply.code) ? 'code-unspecific' : 'code-nonstandard'
}
