// Mail through lists and forwards has many hops.

import type { Check } from '#compliance/check.ts'
import { dataCheck } from '#compliance/data-check.ts'
import { manyHops } from '#compliance/payloads.ts'
import { text } from '#compliance/text.ts'

export const dataManyReceived: Check = dataCheck({
  id: 'data-many-received',
  title: text('Viele Received-Zeilen werden angenommen', 'Many Received lines are accepted'),
  requirement: text(
    '30 Received-Zeilen führen nicht zur Ablehnung; erst ab 100 ist es eine Schleife.',
    '30 Received lines do not lead to a refusal; from 100 on it is a loop.',
  ),
  source: 'RFC 5321 §6.3',
  severity: 'should',
  sending: () => ({ payload: manyHops() }),
  remedy: text(
    'Der Server hält 30 Received-Zeilen für eine Schleife. Setzen Sie die Grenze (hopcount_limit, received_headers_max) auf 100.',
    'The server takes 30 Received lines for a loop. Set the limit (hopcount_limit, received_headers_max) to 100.',
  ),
  snippets: [],
})
