// BDAT (RFC 3030).

import { capabilityCheck } from '#compliance/capability.ts'
import type { Check } from '#compliance/check.ts'
import { text } from '#compliance/text.ts'

export const capChunking: Check = capabilityCheck({
  id: 'cap-chunking',
  keyword: 'CHUNKING',
  source: 'RFC 3030',
  severity: 'info',
  otherwise: text('Das Relay überträgt mit DATA.', 'The relay transfers with DATA.'),
  measured: (isChunking) => ({ isChunking }),
})
