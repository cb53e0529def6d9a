// Limits that the server announces (RFC 9422).

import { met, undetermined, type Check } from '#compliance/check.ts'
import { firstGreeted } from '#compliance/seen.ts'
import { text } from '#compliance/text.ts'

export const capLimits: Check = {
  id: 'cap-limits',
  title: text('Angekündigte Grenzen (LIMITS)', 'Announced limits (LIMITS)'),
  requirement: text(
    'Nur zur Information: RCPTMAX und MAILMAX hält das Relay ein.',
    'For information only: the relay keeps to RCPTMAX and MAILMAX.',
  ),
  source: 'RFC 9422',
  severity: 'info',
  phase: 'recipients',
  needs: [],
  run: async (context) => {
    const greeted = await firstGreeted(context)
    if (greeted === null || greeted.ehlo === null)
      return undetermined(text('Es kam nicht bis zu EHLO.', 'EHLO was not reached.'))
    const evidence = [greeted.ehlo.seen]
    const line = greeted.session.extensions.keywords.find((each) => /^LIMITS\b/i.test(each.trim()))
    if (line === undefined)
      return met(text('Keine angekündigt.', 'None announced.'), {
        subtype: 'not-offered',
        evidence,
      })
    const number = (name: string): number | null => {
      const digits = new RegExp(`\\b${name}=(\\d{1,6})\\b`, 'i').exec(line)?.[1]
      return digits === undefined ? null : Number(digits)
    }
    const maxRecipients = number('RCPTMAX')
    const mailsPerConnection = number('MAILMAX')
    const shown = `RCPTMAX ${maxRecipients ?? '-'}, MAILMAX ${mailsPerConnection ?? '-'}`
    return met(text(shown, shown), {
      evidence,
      measured: {
        ...(maxRecipients !== null && { maxRecipients }),
        ...(mailsPerConnection !== null && { mailsPerConnection }),
      },
    })
  },
}
