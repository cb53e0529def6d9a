// Viruses go to quarantine.

import type { Check } from '#compliance/check.ts'
import { dataCheck, filterRemedy } from '#compliance/data-check.ts'
import { virusArchive, virusFile } from '#compliance/payloads.ts'
import { text } from '#compliance/text.ts'

export const dataVirus: Check = dataCheck({
  id: 'data-virus',
  title: text('Viren werden nicht nach DATA abgelehnt', 'Viruses are not refused after DATA'),
  requirement: text(
    'Mail mit einem Virus kommt in Quarantäne und wird nicht nach DATA abgelehnt.',
    'Mail with a virus goes to quarantine and is not refused after DATA.',
  ),
  source: 'service requirement (d)',
  severity: 'must',
  sending: () => ({ payload: virusFile() }),
  more: [() => ({ payload: virusArchive() })],
  remedy: filterRemedy,
  snippets: ['filters'],
})
