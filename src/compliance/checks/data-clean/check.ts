// A plain mail to the test mailbox.

import type { Check } from '#compliance/check.ts'
import { dataCheck } from '#compliance/data-check.ts'
import { plainText } from '#compliance/payloads.ts'
import { text } from '#compliance/text.ts'

export const dataClean: Check = dataCheck({
  id: 'data-clean',
  title: text('Eine einfache Mail wird angenommen', 'A plain mail is accepted'),
  requirement: text(
    'Eine kleine Textmail an die Testadresse wird angenommen.',
    'A small text mail to the test address is accepted.',
  ),
  source: 'RFC 5321 §3.3',
  severity: 'must',
  sending: ({ catching }) => ({ payload: plainText(catching?.code) }),
  remedy: text('Eine einfache Testmail wird abgelehnt.', 'A plain test mail is refused.'),
  snippets: ['filters', 'networks'],
})
