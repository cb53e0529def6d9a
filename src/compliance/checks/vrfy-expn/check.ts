// Commands that give addresses away.

import { met, undetermined, violated, type Check } from '#compliance/check.ts'
import { codeOf, saidText } from '#compliance/dialog/session.ts'
import { text } from '#compliance/text.ts'

export const vrfyExpn: Check = {
  id: 'vrfy-expn',
  title: text('VRFY und EXPN verraten nichts', 'VRFY and EXPN give nothing away'),
  requirement: text(
    'VRFY und EXPN bestätigen keine Adressen.',
    'VRFY and EXPN confirm no addresses.',
  ),
  source: 'RFC 5321 §7.3',
  severity: 'info',
  phase: 'recipients',
  needs: ['existing'],
  run: async (context) => {
    const contact = await context.prober.greet(context.target.vantages[0])
    if (contact.kind === 'failed' || !contact.greeted.session.isOpen) {
      return undetermined(text('Es kam keine Verbindung zustande.', 'There was no connection.'))
    }
    const { session } = contact.greeted
    const from = session.transcript.lines.length
    const [address = ''] = context.target.existing
    const vrfy = await session.say(`VRFY ${address}`)
    const expn = session.isOpen ? await session.say(`EXPN ${address}`) : null
    const evidence = [session.transcript.since(from)]
    await session.quit()
    const telling = [vrfy, expn].find((said) => [250, 251].includes(codeOf(said) ?? 0))
    if (telling === undefined || telling === null) {
      return met(text(`„${saidText(vrfy)}“`, `“${saidText(vrfy)}”`), { evidence })
    }
    return violated(text(`„${saidText(telling)}“`, `“${saidText(telling)}”`), {
      evidence,
      remedy: {
        text: text(
          'VRFY und EXPN verraten Adressen; schalten Sie sie ab.',
          'VRFY and EXPN disclose addresses; disable them.',
        ),
        snippets: ['vrfy'],
      },
    })
  },
}
