// Delivery reports on request (RFC 3461).

import { capabilityCheck } from '#compliance/capability.ts'
import type { Check } from '#compliance/check.ts'
import { text } from '#compliance/text.ts'

export const capDsn: Check = capabilityCheck({
  id: 'cap-dsn',
  keyword: 'DSN',
  source: 'RFC 3461',
  severity: 'info',
  parameters: 'RET=HDRS',
  otherwise: text(
    'Das Relay gibt NOTIFY und ORCPT nicht weiter.',
    'The relay does not pass on NOTIFY and ORCPT.',
  ),
  measured: (isDsn) => ({ isDsn }),
})
