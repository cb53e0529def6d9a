// How many mails one connection may bring: the relay reuses connections.

import { met, undetermined, type Check } from '#compliance/check.ts'
import { text } from '#compliance/text.ts'
import { transactionsOnOneConnection } from '#compliance/transactions.ts'

/** The relay brings at most 100, and Postfix slows down those who say RSET more than 100 times without a mail. */
const wanted = 101

export const sessionReuse: Check = {
  id: 'session-reuse',
  title: text('Mails je Verbindung', 'Mails of a connection'),
  requirement: text(
    'Nur zur Information: Wie viele Mails nimmt eine Verbindung?',
    'For information only: how many mails a connection takes.',
  ),
  source: 'best practice',
  severity: 'info',
  phase: 'load',
  needs: ['existing'],
  run: async (context) => {
    const { count, end, seen, isClosed } = await transactionsOnOneConnection(context, wanted)
    const evidence = seen === null ? [] : [seen]
    if (end === null) return met(text(`mindestens ${wanted}`, `at least ${wanted}`))
    if (isClosed && count > 0) {
      return met(
        text(
          `Nach ${count} Transaktionen ohne Mail wird die Verbindung beendet; mit Mails vielleicht nicht.`,
          `The connection is ended after ${count} transactions without a mail; with mails perhaps not.`,
        ),
        { subtype: 'questions-limited', evidence },
      )
    }
    if (count === 0) return undetermined(text(end, end), { evidence })
    return met(
      text(
        `höchstens ${count}, dann „${end}“; das Relay richtet sich danach.`,
        `at most ${count}, then “${end}”; the relay adapts.`,
      ),
      {
        subtype: 'limited',
        evidence,
        measured: { mailsPerConnection: count },
      },
    )
  },
}
