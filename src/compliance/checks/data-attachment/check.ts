// Forbidden attachments are a matter of filters too.

import type { Check } from '#compliance/check.ts'
import { dataCheck, filterRemedy } from '#compliance/data-check.ts'
import { macroDocument, programArchive, programFile } from '#compliance/payloads.ts'
import { text } from '#compliance/text.ts'

export const dataAttachment: Check = dataCheck({
  id: 'data-attachment',
  title: text('Anhänge werden nicht nach DATA abgelehnt', 'Attachments are not refused after DATA'),
  requirement: text(
    'Mail mit unerwünschten Anhängen wird nicht nach DATA abgelehnt.',
    'Mail with unwanted attachments is not refused after DATA.',
  ),
  source: 'service requirement (d)',
  severity: 'must',
  sending: () => ({ payload: programFile() }),
  more: [() => ({ payload: programArchive() }), () => ({ payload: macroDocument() })],
  remedy: filterRemedy,
  snippets: ['filters'],
})
