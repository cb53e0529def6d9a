// 8-bit text that says nothing about its character set.

import type { Check } from '#compliance/check.ts'
import { dataCheck } from '#compliance/data-check.ts'
import { eightBit } from '#compliance/payloads.ts'
import { text } from '#compliance/text.ts'

export const data8bit: Check = dataCheck({
  id: 'data-8bit',
  title: text('8-Bit-Inhalt ohne MIME wird angenommen', '8-bit content without MIME is accepted'),
  requirement: text(
    '8-Bit-Inhalt ohne MIME-Kopfzeilen führt nicht zur Ablehnung nach DATA.',
    '8-bit content without MIME headers does not lead to a refusal after DATA.',
  ),
  source: 'service requirement (d)',
  severity: 'must',
  sending: () => ({ payload: eightBit(), isEightBit: true }),
  remedy: text(
    '8-Bit-Inhalt ohne MIME wird nach DATA abgelehnt.',
    '8-bit content without MIME is refused after DATA.',
  ),
  snippets: ['content-rules', 'eight-bit'],
})
