// Encryption on the way from the relay to the institute.

import { met, undetermined, violated, type Check } from '#compliance/check.ts'
import { firstGreeted } from '#compliance/seen.ts'
import { text } from '#compliance/text.ts'

export const starttlsOffered: Check = {
  id: 'starttls-offered',
  title: text('STARTTLS wird angeboten', 'STARTTLS is offered'),
  requirement: text(
    'Der Server bietet STARTTLS auf dem Port der Zustellung an.',
    'The server offers STARTTLS on the port of delivery.',
  ),
  source: 'service requirement (g), RFC 3207',
  severity: 'should',
  phase: 'connect',
  needs: [],
  run: async (context) => {
    const greeted = await firstGreeted(context)
    if (greeted === null || greeted.ehlo === null) {
      return undetermined(text('Es kam nicht bis zu EHLO.', 'EHLO was not reached.'))
    }
    const evidence = [greeted.ehlo.seen]
    const isStartTls = greeted.session.extensions.startTls
    const measured = { isStartTls }
    if (isStartTls)
      return met(text('STARTTLS wird angeboten.', 'STARTTLS is offered.'), { evidence, measured })
    return violated(text('Kein STARTTLS.', 'No STARTTLS.'), {
      evidence,
      measured,
      remedy: {
        text: text(
          'Richten Sie STARTTLS mit einem Zertifikat einer anerkannten CA ein.',
          'Enable STARTTLS with a certificate of a public CA.',
        ),
        snippets: ['tls'],
      },
    })
  },
}
