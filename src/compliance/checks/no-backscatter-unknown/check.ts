// A server that says yes to a recipient it does not have, and tells the sender later. Nearly all such senders are forged.

import { met, type Check } from '#compliance/check.ts'
import { judgeInRun } from '#compliance/returns/judge-in-run.ts'
import { mailToUnknown, noFinalReply } from '#compliance/returns/unknown-mail.ts'
import { text } from '#compliance/text.ts'

export const noBackscatterUnknown: Check = {
  id: 'no-backscatter-unknown',
  title: text('Keine Rückstreuung bei Unbekannten', 'No backscatter for unknown recipients'),
  requirement: text(
    'Der Server nimmt keine Mail an Unbekannte an, um sie danach als unzustellbar zurückzuschicken.',
    'The server does not accept mail for unknown recipients to send it back as undeliverable.',
  ),
  source: 'service requirement (b), RFC 5321 §6.1, RFC 3464',
  severity: 'must',
  phase: 'returns',
  needs: ['existing', 'send', 'catcher'],
  run: async (context) => {
    const mail = await mailToUnknown(context)
    switch (mail.kind) {
      case 'no-final-reply':
        return noFinalReply(mail)
      case 'refused-at-rcpt':
        return met(
          text(
            'Unbekannte werden schon bei RCPT abgelehnt; es gibt nichts, was zurückkommen könnte.',
            'Unknown ones are refused at RCPT already; there is nothing that could come back.',
          ),
          { evidence: mail.evidence },
        )
      case 'sent':
        return await judgeInRun(context, 'no-backscatter-unknown')
    }
  },
}
