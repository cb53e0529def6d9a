// DMARC was judged at the edge. The domain in From is IANA’s, and its policy is to reject.

import type { Check } from '#compliance/check.ts'
import { dataCheck } from '#compliance/data-check.ts'
import { plainText } from '#compliance/payloads.ts'
import { text } from '#compliance/text.ts'

export const noDmarcReject: Check = dataCheck({
  id: 'no-dmarc-reject',
  title: text('Keine DMARC-Ablehnung nach DATA', 'No DMARC rejection after DATA'),
  requirement: text(
    'Der Server lehnt Mail nicht nach DATA wegen DMARC ab.',
    'The server does not refuse mail after DATA because of DMARC.',
  ),
  source: 'service requirement (f)',
  severity: 'must',
  sending: () => ({ payload: plainText(), headerFrom: 'x@example.com' }),
  control: () => ({ payload: plainText() }),
  remedy: text(
    'DMARC-Ablehnung nach DATA; bitte nur markieren, die Ablehnung geschieht am Relay.',
    'DMARC rejection after DATA; tag only, rejection happens at the relay.',
  ),
  snippets: ['filters', 'sender-checks'],
})
