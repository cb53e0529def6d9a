// A verdict per recipient after the content, as Exim has it.

import { capabilityCheck } from '#compliance/capability.ts'
import type { Check } from '#compliance/check.ts'
import { text } from '#compliance/text.ts'

export const capPrdr: Check = capabilityCheck({
  id: 'cap-prdr',
  keyword: 'PRDR',
  source: 'draft-hall-prdr',
  severity: 'info',
  otherwise: text(
    'Nach DATA gibt es eine Antwort für alle Empfänger.',
    'There is one reply for all recipients after DATA.',
  ),
  measured: (isPrdr) => ({ isPrdr }),
})
