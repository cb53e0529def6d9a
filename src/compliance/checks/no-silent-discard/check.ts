// Accepted, not delivered, and nobody was told. Only people can say that a mail did not arrive.

import type { Check } from '#compliance/check.ts'
import { judgeInRun } from '#compliance/returns/judge-in-run.ts'
import { text } from '#compliance/text.ts'

export const noSilentDiscard: Check = {
  id: 'no-silent-discard',
  title: text('Kein stilles Löschen', 'No silent discard'),
  requirement: text(
    'Angenommene Mail verschwindet nicht ohne Meldung.',
    'Accepted mail does not vanish without a word.',
  ),
  source: 'RFC 5321 §6.1, §7.8',
  severity: 'info',
  phase: 'returns',
  needs: ['existing', 'send', 'catcher'],
  run: async (context) => await judgeInRun(context, 'no-silent-discard'),
}
