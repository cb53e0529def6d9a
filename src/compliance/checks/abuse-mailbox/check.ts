// Where complaints go.

import { met, violated, type Check } from '#compliance/check.ts'
import { wordsOf } from '#compliance/replies.ts'
import { askAll, isAccepted, seenOf } from '#compliance/seen.ts'
import { text } from '#compliance/text.ts'

export const abuseMailbox: Check = {
  id: 'abuse-mailbox',
  title: text('abuse ist erreichbar', 'abuse can be reached'),
  requirement: text(
    'abuse@ sollte es in jeder Domäne geben.',
    'abuse@ should exist in each domain.',
  ),
  source: 'RFC 2142',
  severity: 'info',
  phase: 'recipients',
  needs: ['existing'],
  run: async (context) => {
    const [vantage] = context.target.vantages
    const asked = await askAll(
      context,
      context.target.domains.map((domain) => ({ vantage, from: '', to: `abuse@${domain}` })),
    )
    const missing = asked.find((each) => !isAccepted(each))
    if (missing === undefined)
      return met(text('abuse@ wird angenommen.', 'abuse@ is accepted.'), {
        evidence: seenOf(asked),
      })
    return violated(
      text(
        `${missing.to}: ${wordsOf(missing.answer)}`,
        `${missing.to}: ${wordsOf(missing.answer)}`,
      ),
      {
        evidence: seenOf(asked),
        remedy: {
          text: text(`${missing.to} sollte existieren.`, `${missing.to} should exist.`),
          snippets: [],
        },
      },
    )
  },
}
