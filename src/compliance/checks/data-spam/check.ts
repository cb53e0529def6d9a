// Spam is marked, not refused: the relay may have taken it over already.

import type { Check } from '#compliance/check.ts'
import { dataCheck, filterRemedy } from '#compliance/data-check.ts'
import { spamText } from '#compliance/payloads.ts'
import { text } from '#compliance/text.ts'

export const dataSpam: Check = dataCheck({
  id: 'data-spam',
  title: text('Spam wird nicht nach DATA abgelehnt', 'Spam is not refused after DATA'),
  requirement: text(
    'Mail, die der Filter für Spam hält, wird markiert oder in Quarantäne gelegt, nicht nach DATA abgelehnt.',
    'Mail that the filter takes for spam is tagged or quarantined, not refused after DATA.',
  ),
  source: 'service requirement (d)',
  severity: 'must',
  sending: () => ({ payload: spamText() }),
  remedy: filterRemedy,
  snippets: ['filters'],
})
