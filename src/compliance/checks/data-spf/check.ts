// Filters look at SPF when the content is there, not only at MAIL. The domain is IANA’s, and nobody sends for it.

import type { Check } from '#compliance/check.ts'
import { dataCheck } from '#compliance/data-check.ts'
import { plainText } from '#compliance/payloads.ts'
import { text } from '#compliance/text.ts'

export const dataSpf: Check = dataCheck({
  id: 'data-spf',
  title: text('Keine SPF-Ablehnung nach DATA', 'No SPF rejection after DATA'),
  requirement: text(
    'Der Server lehnt Mail nicht nach DATA ab, weil SPF das Relay nicht nennt.',
    'The server does not refuse mail after DATA because SPF does not name the relay.',
  ),
  source: 'service requirement (d), (f), RFC 7208 §9',
  severity: 'must',
  sending: () => ({ payload: plainText(), from: 'x@example.com' }),
  control: () => ({ payload: plainText() }),
  remedy: text(
    'SPF-Ablehnung nach DATA; hinter einem Relay steht dessen Adresse in keinem SPF-Eintrag.',
    'SPF rejection after DATA; behind a relay its address is in no SPF record.',
  ),
  snippets: ['filters', 'sender-checks'],
})
