// Test mails that were accepted and came back later: filters, quotas and limits behind the first server.

import type { Check } from '#compliance/check.ts'
import { judgeInRun } from '#compliance/returns/judge-in-run.ts'
import { text } from '#compliance/text.ts'

/** Never met: that nothing came back in a minute, or in six days, proves nothing. */
export const noBackscatterLongtail: Check = {
  id: 'no-backscatter-longtail',
  title: text('Angenommene Mail kommt nicht zurück', 'Accepted mail does not come back'),
  requirement: text(
    'Was der Server angenommen hat, schickt er auch später nicht als unzustellbar zurück.',
    'What the server has accepted it does not send back as undeliverable later.',
  ),
  source: 'service requirement (b), RFC 5321 §6.1',
  severity: 'must',
  phase: 'returns',
  needs: ['existing', 'send', 'catcher'],
  run: async (context) => await judgeInRun(context, 'no-backscatter-longtail'),
}
