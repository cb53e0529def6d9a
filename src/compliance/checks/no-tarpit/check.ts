// Replies that get slower with each error hold up everybody's mail.

import { randomWord } from '#compliance/addresses.ts'
import { met, undetermined, violated, type Check } from '#compliance/check.ts'
import { transact } from '#compliance/dialog/questions.ts'
import type { ProbeSession } from '#compliance/dialog/session.ts'
import { seconds, text } from '#compliance/text.ts'

const errorCount = 5
const maxRiseMs = 2000

export const noTarpit: Check = {
  id: 'no-tarpit',
  title: text('Keine absichtlichen Verzögerungen', 'No deliberate delays'),
  requirement: text(
    'Fünf Fehler nacheinander verlangsamen die Antworten nicht um mehr als 2 Sekunden.',
    'Five errors in a row do not slow down the replies by more than 2 seconds.',
  ),
  source: 'service requirement (f)',
  severity: 'should',
  phase: 'policy',
  needs: ['existing'],
  run: async (context) => {
    const contact = await context.prober.greet(context.target.vantages[0], 'asRelay')
    if (contact.kind === 'failed' || !contact.greeted.session.isOpen) {
      return undetermined(text('Es kam keine Verbindung zustande.', 'There was no connection.'))
    }
    const { session } = contact.greeted
    const domain = context.target.domains[0] ?? context.target.host
    const [to = ''] = context.target.existing
    const before = await transact(session, { from: '', to })
    let slowestMs = 0
    let slowest = before
    for (let count = 0; count < errorCount && session.isOpen; count += 1) {
      const answer = await transact(session, { from: '', to: `${randomWord(14)}@${domain}` })
      if (answer.kind === 'rcpt' && answer.ms > slowestMs) {
        slowestMs = answer.ms
        slowest = answer
      }
      // Two that slow are enough, or one before a quick answer to who exists; five would hold the run up.
      if (answer.kind !== 'rcpt' || answer.ms <= maxRiseMs) continue
      if (count > 0 || (await isQuick(session, to))) break
    }
    await session.quit()
    if (before.kind !== 'rcpt')
      return undetermined(text('Keine Antwort auf RCPT.', 'No reply to RCPT.'), {
        evidence: [before.seen],
      })
    const rise = seconds(Math.max(0, slowestMs - before.ms))
    if (slowestMs - before.ms <= maxRiseMs) {
      return met(text(`Höchstens ${rise.de} langsamer.`, `At most ${rise.en} slower.`), {
        evidence: [slowest.seen],
      })
    }
    return violated(text(`Nach Fehlern ${rise.de} langsamer.`, `${rise.en} slower after errors.`), {
      subtype: 'tarpit',
      evidence: [before.seen, slowest.seen],
      remedy: {
        text: text(
          `Antworten werden nach Fehlern um ${rise.de} verzögert. Schalten Sie das (Tarpit) für die Relay-Netze ab.`,
          `Replies slow down by ${rise.en} after errors. Disable tarpitting for the relay networks.`,
        ),
        snippets: ['connections'],
      },
    })
  },
}

/** Then it was the error that was slow, not the machine. */
async function isQuick(session: ProbeSession, to: string): Promise<boolean> {
  const answer = await transact(session, { from: '', to })
  return answer.kind === 'rcpt' && answer.ms < maxRiseMs
}
