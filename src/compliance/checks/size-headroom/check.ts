// The relay adds its own lines to the header section: a server with exactly 50 MiB refuses the largest mails.

import { met, undetermined, violated, type Check } from '#compliance/check.ts'
import { wordsOf } from '#compliance/replies.ts'
import { firstGreeted, verdictOf } from '#compliance/seen.ts'
import { bytesText, headroomBytes, requiredBytes } from '#compliance/sizes.ts'
import { text } from '#compliance/text.ts'

const wantedBytes = requiredBytes + headroomBytes

export const sizeHeadroom: Check = {
  id: 'size-headroom',
  title: text('Reserve für die Kopfzeilen des Relays', 'Headroom for the relay’s header lines'),
  requirement: text(
    'Der Server nimmt 64 KiB mehr an als die geforderten 50 MiB.',
    'The server accepts 64 KiB more than the required 50 MiB.',
  ),
  source: 'best practice (the relay adds trace fields)',
  severity: 'should',
  phase: 'recipients',
  needs: ['existing'],
  run: async (context) => {
    const greeted = await firstGreeted(context)
    const size = greeted?.session.extensions.size ?? null
    if (greeted === null || greeted.ehlo === null || size === null) {
      return undetermined(text('SIZE wird nicht angeboten.', 'SIZE is not offered.'))
    }
    const [vantage] = context.target.vantages
    const [to = ''] = context.target.existing
    const evidence = [greeted.ehlo.seen]
    if (size > 0 && size < wantedBytes) return tooSmall(bytesText(size), evidence)
    const answer = await context.questions.askOnce({
      vantage,
      from: '',
      to,
      parameters: `SIZE=${wantedBytes}`,
    })
    const words = wordsOf(answer)
    if (verdictOf(answer) === 'accepted')
      return met(text(`„${words}“`, `“${words}”`), { evidence: [answer.seen] })
    const without = await context.questions.askOnce({ vantage, from: '', to })
    if (verdictOf(without) === 'accepted' && answer.kind !== 'none' && answer.reply.code >= 500) {
      return tooSmall({ de: `„${words}“`, en: `“${words}”` }, [answer.seen])
    }
    return undetermined(text(`Nicht eindeutig: ${words}`, `Not clear: ${words}`), {
      evidence: [answer.seen],
    })
  },
}

function tooSmall(
  found: { readonly de: string; readonly en: string },
  evidence: Parameters<typeof violated>[1]['evidence'] & object,
): ReturnType<typeof violated> {
  return violated(text(found.de, found.en), {
    subtype: 'no-headroom',
    evidence,
    remedy: {
      text: text(
        'Setzen Sie 60 MiB, damit Mails von 50 MiB mit den Kopfzeilen des Relays Platz haben; sonst muss das Relay für diese Domäne weniger annehmen.',
        'Set 60 MiB, so that mails of 50 MiB have room for the relay’s header lines; otherwise the relay has to accept less for this domain.',
      ),
      snippets: ['size'],
    },
  })
}
