// How many recipients one mail may have. Nothing is sent, but a hundred RCPT are only asked with consent.

import { met, undetermined, violated, type Check, type CheckContext } from '#compliance/check.ts'
import { freshSender } from '#compliance/addresses.ts'
import { codeOf, saidText, type Said } from '#compliance/dialog/session.ts'
import { text } from '#compliance/text.ts'

/** RFC 5321 §4.5.3.1.8. */
const wanted = 100

export const rcptMulti: Check = {
  id: 'rcpt-multi',
  title: text('100 Empfänger je Mail', '100 recipients of one mail'),
  requirement: text(
    'Eine Mail darf mindestens 100 Empfänger haben; sonst richtet sich das Relay danach.',
    'One mail may have at least 100 recipients; otherwise the relay adapts.',
  ),
  source: 'RFC 5321 §4.5.3.1.8, RFC 9422',
  severity: 'info',
  phase: 'load',
  needs: ['existing', 'send'],
  run: async (context) => {
    const contact = await context.prober.greet(context.target.vantages[0], 'asRelay')
    if (contact.kind === 'failed' || !contact.greeted.session.isOpen) {
      return undetermined(text('Es kam keine Verbindung zustande.', 'There was no connection.'))
    }
    const { session } = contact.greeted
    await session.say(`MAIL FROM:<${freshSender(context.prober.senderDomain)}>`)
    let count = 0
    let said: Said | null = null
    while (count < wanted && session.isOpen) {
      said = await session.say(`RCPT TO:<${recipient(context, count)}>`)
      if (codeOf(said) !== 250) break
      count += 1
    }
    const evidence = [session.transcript.since(Math.max(0, session.transcript.lines.length - 4))]
    if (session.isOpen) await session.say('RSET')
    await session.quit()
    if (count === wanted)
      return met(
        text(
          `${wanted} RCPT mit den genannten Adressen; wer nur verschiedene zählt, nimmt vielleicht weniger.`,
          `${wanted} RCPT with the addresses named; who counts different ones only may take fewer.`,
        ),
        { evidence },
      )
    const words = said === null ? '' : saidText(said)
    if (count < 2) return undetermined(text(words, words), { subtype: 'not-accepted', evidence })
    return violated(text(`Nach ${count}: „${words}“`, `After ${count}: “${words}”`), {
      subtype: 'few-recipients',
      evidence,
      measured: { maxRecipients: count },
      remedy: {
        text: text(
          `Es werden nur ${count} Empfänger je Mail angenommen; der Standard verlangt mindestens ${wanted}.`,
          `Only ${count} recipients of a mail are accepted; the standard asks for at least ${wanted}.`,
        ),
        snippets: ['recipient-count'],
      },
    })
  },
}

/** The named ones in turn: Postfix, Exim, sendmail and OpenSMTPD count each RCPT, Courier different ones only. */
function recipient({ target }: CheckContext, index: number): string {
  return target.existing[index % target.existing.length] ?? ''
}
