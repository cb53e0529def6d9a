// A sender that waits too long for the last reply sends again: the mail is there twice (RFC 1047).

import { met, undetermined, violated, type Check } from '#compliance/check.ts'
import { plainText } from '#compliance/payloads.ts'
import { send } from '#compliance/sending.ts'
import { seconds, text } from '#compliance/text.ts'

const metMs = 10_000
const badMs = 60_000

export const dataResponseTime: Check = {
  id: 'data-response-time',
  title: text('Schnelle Antwort nach dem Inhalt', 'Quick reply after the content'),
  requirement: text(
    'Die Antwort auf den Inhalt kommt innerhalb von 10 Sekunden.',
    'The reply to the content comes within 10 seconds.',
  ),
  source: 'RFC 5321 §4.5.3.2.6, RFC 1047',
  severity: 'should',
  phase: 'content',
  needs: ['existing', 'send'],
  run: async (context) => {
    const sent = await send(context, { payload: plainText() })
    const evidence = [sent.seen]
    if (sent.kind === 'not-sent') {
      return undetermined(
        text(
          `Der Inhalt wurde nicht verlangt: ${sent.words}`,
          `The content was not asked for: ${sent.words}`,
        ),
        { evidence },
      )
    }
    const took = seconds(
      sent.kind === 'answered' ? sent.said.ms : context.prober.limits.replyTimeoutMs,
    )
    if (sent.kind === 'answered' && sent.said.ms <= metMs) return met(took, { evidence })
    return violated(
      sent.kind === 'answered'
        ? text(`Erst nach ${took.de}.`, `Only after ${took.en}.`)
        : text(`Keine Antwort: ${sent.words}`, `No reply: ${sent.words}`),
      {
        subtype: sent.kind === 'answered' ? 'slow' : 'no-reply',
        ...(sent.kind === 'answered' && sent.said.ms <= badMs && { severity: 'info' as const }),
        evidence,
        remedy: {
          text: text(
            'Die Antwort auf den Inhalt dauert zu lange; Mails können doppelt zugestellt werden. Lassen Sie Filter nach der Annahme laufen.',
            'The reply to the content takes too long; mails may be delivered twice. Run filters after queueing.',
          ),
          snippets: ['filters'],
        },
      },
    )
  },
}
