// Content without lines (RFC 3030).

import { capabilityCheck } from '#compliance/capability.ts'
import type { Check } from '#compliance/check.ts'
import { text } from '#compliance/text.ts'

export const capBinarymime: Check = capabilityCheck({
  id: 'cap-binarymime',
  keyword: 'BINARYMIME',
  source: 'RFC 3030',
  severity: 'info',
  otherwise: text(
    'Das Relay bietet es für diese Domäne nicht an.',
    'The relay does not offer it for this domain.',
  ),
  measured: (isBinaryMime) => ({ isBinaryMime }),
})
