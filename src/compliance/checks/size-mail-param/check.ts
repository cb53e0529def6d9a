// A mail of 50 MiB is announced.

import { isPermanent } from '#smtp/reply.ts'
import { met, notApplicable, undetermined, violated, type Check } from '#compliance/check.ts'
import { wordsOf } from '#compliance/replies.ts'
import { firstGreeted, verdictOf } from '#compliance/seen.ts'
import { requiredBytes } from '#compliance/sizes.ts'
import { text } from '#compliance/text.ts'

export const sizeMailParam: Check = {
  id: 'size-mail-param',
  title: text('Eine Mail von 50 MiB wird angenommen', 'A mail of 50 MiB is accepted'),
  requirement: text(
    'Eine angekündigte Mail von 52.428.800 Byte (MAIL … SIZE=) wird bis RCPT angenommen.',
    'An announced mail of 52,428,800 bytes (MAIL … SIZE=) is accepted up to RCPT.',
  ),
  source: 'service requirement (e), RFC 1870 §6.1',
  severity: 'must',
  phase: 'recipients',
  needs: ['existing'],
  run: async (context) => {
    const greeted = await firstGreeted(context)
    if (greeted?.session.extensions.size === null) {
      const words = text(
        'SIZE wird nicht angeboten; nur eine wirkliche Mail zeigt es (--send).',
        'SIZE is not offered; only a real mail can tell (--send).',
      )
      return context.maySend
        ? notApplicable(words, { subtype: 'not-offered' })
        : undetermined(words, { subtype: 'not-offered' })
    }
    const [vantage] = context.target.vantages
    const [to = ''] = context.target.existing
    const answer = await context.questions.askOnce({
      vantage,
      from: '',
      to,
      parameters: `SIZE=${requiredBytes}`,
    })
    const words = wordsOf(answer)
    const evidence = [answer.seen]
    if (verdictOf(answer) === 'accepted') return met(text(`„${words}“`, `“${words}”`), { evidence })
    const without = await context.questions.askOnce({ vantage, from: '', to })
    const isOfSize =
      verdictOf(without) === 'accepted' && answer.kind !== 'none' && isPermanent(answer.reply)
    if (!isOfSize) {
      const isSpace = answer.kind !== 'none' && answer.reply.code === 452
      return undetermined(text(`Nicht eindeutig: ${words}`, `Not clear: ${words}`), {
        subtype: isSpace ? 'no-space' : 'not-accepted',
        evidence: [answer.seen, without.seen],
      })
    }
    const isQuota = answer.reply.status === '5.2.2' || /quota|mailbox (?:is )?full/i.test(words)
    if (isQuota) {
      return undetermined(
        text(
          `Das Postfach der Testadresse hat keinen Platz: ${words}`,
          `The mailbox of the test address has no room: ${words}`,
        ),
        { subtype: 'quota', evidence },
      )
    }
    return violated(text(`„${words}“`, `“${words}”`), {
      subtype: 'too-small',
      evidence: [answer.seen, without.seen],
      remedy: {
        text: text(
          `Eine Mail von 52.428.800 Byte wird abgelehnt („${words}“). Setzen Sie 60 MiB.`,
          `A mail of 52,428,800 bytes is refused (“${words}”). Set 60 MiB.`,
        ),
        snippets: ['size'],
      },
    })
  },
}
