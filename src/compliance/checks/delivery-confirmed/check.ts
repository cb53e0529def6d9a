// That a mail was really delivered, and that the tester has to do with the mailbox, only its reader can confirm.

import type { Check } from '#compliance/check.ts'
import { judgeInRun } from '#compliance/returns/judge-in-run.ts'
import { text } from '#compliance/text.ts'

export const deliveryConfirmed: Check = {
  id: 'delivery-confirmed',
  title: text(
    'Der Empfang der Testmail ist bestätigt',
    'The arrival of the test mail is confirmed',
  ),
  requirement: text(
    'Wer das Testpostfach liest, hat bestätigt, dass die einfache Testmail ankam.',
    'Whoever reads the test mailbox has confirmed that the plain test mail arrived.',
  ),
  source: 'best practice',
  severity: 'must',
  phase: 'returns',
  needs: ['existing', 'send', 'catcher'],
  run: async (context) => {
    const finding = await judgeInRun(context, 'delivery-confirmed')
    // Nobody answers within a run; `pforte catcher show` asks again, and with its full weight.
    return finding.kind === 'undetermined' ? { ...finding, severity: 'info' } : finding
  },
}
