// 8-bit content (RFC 6152).

import { capabilityCheck } from '#compliance/capability.ts'
import type { Check } from '#compliance/check.ts'
import { text } from '#compliance/text.ts'

export const cap8bitmime: Check = capabilityCheck({
  id: 'cap-8bitmime',
  keyword: '8BITMIME',
  source: 'RFC 6152',
  severity: 'should',
  parameters: 'BODY=8BITMIME',
  otherwise: text(
    'Schalten Sie 8BITMIME ein; fast jede Mail braucht es.',
    'Enable 8BITMIME; almost every mail needs it.',
  ),
  measured: (isEightBitMime) => ({ isEightBitMime }),
  snippets: ['eight-bit'],
})
