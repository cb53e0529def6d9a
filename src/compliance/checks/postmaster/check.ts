// Somebody answers for each domain.

import { met, violated, undetermined, type Check } from '#compliance/check.ts'
import { wordsOf } from '#compliance/replies.ts'
import { askAll, isAccepted, isRefused, seenOf } from '#compliance/seen.ts'
import { text } from '#compliance/text.ts'

export const postmaster: Check = {
  id: 'postmaster',
  title: text('postmaster ist erreichbar', 'postmaster can be reached'),
  requirement: text(
    'postmaster@ wird in jeder Schreibung und auch ohne Domäne angenommen.',
    'postmaster@ is accepted in any case and without a domain too.',
  ),
  source: 'RFC 5321 §4.5.1, RFC 2142',
  severity: 'should',
  phase: 'recipients',
  needs: ['existing'],
  run: async (context) => {
    const [vantage] = context.target.vantages
    const named = context.target.domains.flatMap((domain) => [
      `postmaster@${domain}`,
      `PostMaster@${domain}`,
    ])
    const asked = await askAll(
      context,
      [...named, 'postmaster'].map((to) => ({ vantage, from: '', to })),
    )
    const refused = asked.find(isRefused)
    if (refused !== undefined) {
      const words = wordsOf(refused.answer)
      return violated(text(`<${refused.to}>: „${words}“`, `<${refused.to}>: “${words}”`), {
        subtype: refused.to === 'postmaster' ? 'without-domain' : 'refused',
        ...(refused.to === 'postmaster' && { severity: 'info' as const }),
        evidence: seenOf(asked),
        remedy: {
          text: text(`${refused.to} muss zustellbar sein.`, `${refused.to} must be deliverable.`),
          snippets: refused.to === 'postmaster' ? ['bare-postmaster'] : ['postmaster'],
        },
      })
    }
    const open = asked.find((each) => !isAccepted(each))
    if (open !== undefined) {
      return undetermined(
        text(`<${open.to}>: ${wordsOf(open.answer)}`, `<${open.to}>: ${wordsOf(open.answer)}`),
        { evidence: seenOf(asked) },
      )
    }
    return met(text(named.join(', '), named.join(', ')), { evidence: seenOf(asked) })
  },
}
