// As many mails in a short time as a busy relay brings.

import { met, undetermined, violated, type Check } from '#compliance/check.ts'
import { text } from '#compliance/text.ts'
import { transactionsInARow } from '#compliance/transactions.ts'

const wanted = 30

export const noRateLimitMessages: Check = {
  id: 'no-rate-limit-messages',
  title: text('Keine Mengenbegrenzung für die Relays', 'No limit of messages for the relays'),
  requirement: text(
    'Der Server begrenzt nicht, wie viele Mails die Relays in kurzer Zeit bringen.',
    'The server does not limit how many mails the relays bring in a short time.',
  ),
  source: 'service requirement (f)',
  severity: 'must',
  phase: 'load',
  needs: ['existing'],
  run: async (context) => {
    const { count, end, seen } = await transactionsInARow(context, wanted)
    const evidence = seen === null ? [] : [seen]
    if (end === null) {
      return met(
        text(
          `${wanted} Transaktionen nacheinander, ohne Inhalt.`,
          `${wanted} transactions in a row, without content.`,
        ),
      )
    }
    if (count === 0) return undetermined(text(end, end), { subtype: 'not-accepted', evidence })
    return violated(
      text(`Nach ${count} Transaktionen: „${end}“`, `After ${count} transactions: “${end}”`),
      {
        subtype: 'message-rate',
        evidence,
        measured: { mailsPerConnection: count },
        remedy: {
          text: text(
            `Ab der ${count + 1}. Mail kommt „${end}“. Heben Sie die Grenze für die Relay-Netze auf.`,
            `From message ${count + 1} on we get “${end}”. Lift the limit for the relay networks.`,
          ),
          snippets: ['networks', 'connections'],
        },
      },
    )
  },
}
