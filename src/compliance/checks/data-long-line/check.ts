// Lines above 998 octets exist; Debian’s Exim refuses them.

import type { Check } from '#compliance/check.ts'
import { dataCheck } from '#compliance/data-check.ts'
import { longLine } from '#compliance/payloads.ts'
import { text } from '#compliance/text.ts'

export const dataLongLine: Check = dataCheck({
  id: 'data-long-line',
  title: text('Lange Zeilen werden angenommen', 'Long lines are accepted'),
  requirement: text(
    'Eine Zeile von 1200 Zeichen führt nicht zur Ablehnung nach DATA.',
    'A line of 1200 octets does not lead to a refusal after DATA.',
  ),
  source: 'service requirement (d), RFC 5321 §4.5.3.1.6',
  severity: 'must',
  sending: () => ({ payload: longLine() }),
  remedy: text(
    'Zeilen über 998 Zeichen werden nach DATA abgelehnt.',
    'Lines over 998 octets are refused after DATA.',
  ),
  snippets: ['content-rules'],
  refusalMeans: { maxLineBytes: 998 },
})
