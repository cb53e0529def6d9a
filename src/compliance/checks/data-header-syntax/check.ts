// A recipient line that is no list of addresses, as many programs write it.

import type { Check } from '#compliance/check.ts'
import { dataCheck } from '#compliance/data-check.ts'
import { brokenHeader } from '#compliance/payloads.ts'
import { text } from '#compliance/text.ts'

export const dataHeaderSyntax: Check = dataCheck({
  id: 'data-header-syntax',
  title: text('Fehlerhafte Kopfzeilen werden angenommen', 'Malformed headers are accepted'),
  requirement: text(
    'Eine fehlerhafte Kopfzeile führt nicht zur Ablehnung nach DATA.',
    'A malformed header line does not lead to a refusal after DATA.',
  ),
  source: 'service requirement (d)',
  severity: 'must',
  sending: () => ({ payload: brokenHeader() }),
  remedy: text(
    'Fehlerhafte Kopfzeilen werden nach DATA abgelehnt.',
    'Malformed headers are refused after DATA.',
  ),
  snippets: ['content-rules', 'networks'],
})
