// STARTTLS that is offered and does not work is worse than none.

import { met, violated, type Check } from '#compliance/check.ts'
import { codeOf, saidText } from '#compliance/dialog/session.ts'
import { text } from '#compliance/text.ts'

export const starttlsHandshake: Check = {
  id: 'starttls-handshake',
  title: text('STARTTLS funktioniert', 'STARTTLS works'),
  requirement: text(
    'Wer STARTTLS anbietet, bringt auch eine verschlüsselte Verbindung zustande.',
    'Who offers STARTTLS brings about an encrypted connection.',
  ),
  source: 'RFC 3207 §4',
  severity: 'must',
  phase: 'connect',
  needs: ['starttls'],
  run: async ({ prober, target }) => {
    const contact = await prober.greet(target.vantages[0])
    if (contact.kind === 'failed') {
      return violated(text(contact.detail, contact.detail), failed(contact.detail, [contact.seen]))
    }
    const { session } = contact.greeted
    const said = await session.say('STARTTLS')
    if (codeOf(said) !== 220) {
      await session.quit()
      const words = saidText(said)
      return violated(text(`„${words}“`, `“${words}”`), failed(words, [said.seen]))
    }
    const secured = await prober.handshake(session)
    if (secured.kind === 'failed') {
      return violated(
        text(secured.detail, secured.detail),
        failed(secured.detail, [said.seen, secured.seen]),
      )
    }
    const hello = await session.hello(prober.helloName)
    await session.quit()
    if (codeOf(hello) !== 250) {
      const words = saidText(hello)
      return violated(
        text(`EHLO nach TLS: ${words}`, `EHLO after TLS: ${words}`),
        failed(words, [hello.seen]),
      )
    }
    const { protocol, cipher } = secured.facts
    return met(text(`${protocol}, ${cipher}`, `${protocol}, ${cipher}`), {
      evidence: [said.seen, secured.seen],
    })
  },
}

function failed(
  words: string,
  evidence: Parameters<typeof violated>[1]['evidence'] & object,
): Parameters<typeof violated>[1] {
  return {
    subtype: 'handshake-failed',
    evidence,
    remedy: {
      text: text(
        `STARTTLS wird angeboten, schlägt aber fehl („${words}“). Prüfen Sie die Rechte der Schlüsseldatei und ob Schlüssel und Zertifikat zusammengehören.`,
        `STARTTLS is offered but fails (“${words}”). Check the rights of the key file, and that key and certificate match.`,
      ),
      snippets: ['tls'],
    },
  }
}
