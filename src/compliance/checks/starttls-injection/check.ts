// What was sent in clear must not be taken for encrypted (CVE-2011-0411 and its kin).

import { met, undetermined, violated, type Check } from '#compliance/check.ts'
import { codeOf, saidText } from '#compliance/dialog/session.ts'
import { text } from '#compliance/text.ts'

const waitMs = 700

export const starttlsInjection: Check = {
  id: 'starttls-injection',
  title: text('Keine Befehle durch STARTTLS hindurch', 'No commands through STARTTLS'),
  requirement: text(
    'Befehle, die im Klartext hinter STARTTLS stehen, werden nach dem Handshake nicht ausgeführt.',
    'Commands in clear text behind STARTTLS are not executed after the handshake.',
  ),
  source: 'RFC 3207 §4, CVE-2011-0411',
  severity: 'should',
  phase: 'connect',
  needs: ['starttls'],
  run: async ({ prober, target }) => {
    const contact = await prober.greet(target.vantages[0])
    if (contact.kind === 'failed' || !contact.greeted.session.isOpen) {
      return undetermined(text('Es kam keine Verbindung zustande.', 'There was no connection.'))
    }
    const { session } = contact.greeted
    const from = session.transcript.lines.length
    await session.sendRaw(Buffer.from('STARTTLS\r\nNOOP\r\n'), 'in one write: STARTTLS, NOOP')
    const said = await session.read()
    const isRefused = codeOf(said) !== 220
    const secured = isRefused || session.hasUnread ? null : await prober.handshake(session)
    const early = secured?.kind === 'secured' ? await session.read(waitMs) : null
    session.destroy()
    const evidence = [session.transcript.since(from)]
    if (early?.kind === 'reply') {
      return violated(
        text(
          `Nach dem Handshake kam ungefragt: „${saidText(early)}“`,
          `After the handshake came unasked: “${saidText(early)}”`,
        ),
        {
          subtype: 'executed',
          evidence,
          remedy: {
            text: text(
              'Befehle vor TLS werden nach TLS ausgeführt. Aktualisieren Sie den Mailserver.',
              'Plain-text commands are executed after TLS. Update the mail server.',
            ),
            snippets: [],
          },
        },
      )
    }
    return isRefused
      ? met(text(`Abgelehnt: „${saidText(said)}“`, `Refused: “${saidText(said)}”`), { evidence })
      : met(text('Der Befehl wurde nicht ausgeführt.', 'The command was not executed.'), {
          evidence,
        })
  },
}
