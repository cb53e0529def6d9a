// International addresses (RFC 6531).

import { capabilityCheck } from '#compliance/capability.ts'
import type { Check } from '#compliance/check.ts'
import { text } from '#compliance/text.ts'

export const capSmtputf8: Check = capabilityCheck({
  id: 'cap-smtputf8',
  keyword: 'SMTPUTF8',
  source: 'RFC 6531',
  severity: 'info',
  parameters: 'SMTPUTF8',
  otherwise: text(
    'Das Relay lehnt Mail, die es braucht, mit 553 5.6.7 ab.',
    'The relay refuses mail that needs it with 553 5.6.7.',
  ),
  measured: (isSmtpUtf8) => ({ isSmtpUtf8 }),
})
