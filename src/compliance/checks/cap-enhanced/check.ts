// Codes that say why (RFC 2034).

import { capabilityCheck } from '#compliance/capability.ts'
import type { Check } from '#compliance/check.ts'
import { text } from '#compliance/text.ts'

export const capEnhanced: Check = capabilityCheck({
  id: 'cap-enhanced',
  keyword: 'ENHANCEDSTATUSCODES',
  source: 'RFC 2034',
  severity: 'info',
  otherwise: text('Das Relay urteilt nach Code und Text.', 'The relay judges by code and text.'),
  measured: (isEnhancedStatusCodes) => ({ isEnhancedStatusCodes }),
})
