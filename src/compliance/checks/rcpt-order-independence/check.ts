// Does an existing address stay accepted behind unknown ones? A relay asks for many people's addresses.

import { randomWord } from '#compliance/addresses.ts'
import {
  met,
  undetermined,
  violated,
  type Check,
  type CheckContext,
  type Finding,
} from '#compliance/check.ts'
import { transact } from '#compliance/dialog/questions.ts'
import { codeOf, saidText, type ProbeSession, type Said } from '#compliance/dialog/session.ts'
import { text } from '#compliance/text.ts'
import { hasTooManyResets } from '#compliance/transactions.ts'

/** Debian's Exim refuses everything from the 11th bad recipient of a transaction on. */
const inOneTransaction = 11
/** Postfix hangs up after 20 errors. Fewer in all than that by themselves prove nothing. */
const inOneConnection = 22
/** Two replies slowed down: the server counts errors, more would only cost time. */
const slowMs = 800
const maxSlowCount = 2

export const rcptOrderIndependence: Check = {
  id: 'rcpt-order-independence',
  title: text(
    'Fehler anderer ändern die Antwort nicht',
    'Errors of others do not change the answer',
  ),
  requirement: text(
    'Eine vorhandene Adresse wird auch nach vielen unbekannten angenommen.',
    'An existing address is accepted after many unknown ones too.',
  ),
  source: 'best practice (callouts are for many senders)',
  severity: 'should',
  phase: 'load',
  needs: ['existing'],
  run: async (context) => {
    const contact = await context.prober.greet(context.target.vantages[0], 'asRelay')
    if (contact.kind === 'failed' || !contact.greeted.session.isOpen) {
      return undetermined(text('Es kam keine Verbindung zustande.', 'There was no connection.'))
    }
    const { session } = contact.greeted
    try {
      return await judge(context, session)
    } finally {
      await session.quit()
    }
  },
}

async function judge(context: CheckContext, session: ProbeSession): Promise<Finding> {
  const [to = ''] = context.target.existing
  const domain = context.target.domains[0] ?? ''
  const first = await transact(session, { from: '', to })
  if (first.kind !== 'rcpt' || first.reply.code >= 300) {
    return undetermined(
      text(
        'Die vorhandene Adresse wird nicht angenommen.',
        'The existing address is not accepted.',
      ),
      { evidence: [first.seen] },
    )
  }
  const together = await oneTransaction(session, to, domain)
  const slowCount = together.kind === 'reply' && together.ms > slowMs ? 1 : 0
  const apart = session.isOpen ? await manyTransactions(session, to, domain, slowCount) : null
  const isOfResets = hasTooManyResets(session) // then it was not the errors
  const evidence = [session.transcript.since(0)]
  const lost = apart ?? { errorCount: inOneTransaction, said: together }
  if (!isOfResets && (apart === null || apart.said === null || codeOf(apart.said) !== 250)) {
    const words = lost.said === null ? '' : saidText(lost.said)
    return broken('errors-in-connection', lost.errorCount, words, evidence, {
      calloutErrorsPerConnection: lost.errorCount,
    })
  }
  if (codeOf(together) !== 250) {
    return broken('errors-in-transaction', inOneTransaction, saidText(together), evidence, {})
  }
  const { errorCount, isSlowed } = apart ?? { errorCount: inOneTransaction, isSlowed: false }
  return met(
    isSlowed
      ? text(
          `Nach ${errorCount} Fehlern angenommen, aber verlangsamt.`,
          `Accepted after ${errorCount} errors, but slowed down.`,
        )
      : text(
          `Nach ${errorCount} Fehlern noch angenommen.`,
          `Still accepted after ${errorCount} errors.`,
        ),
    {
      evidence,
      measured: isSlowed || isOfResets ? { calloutErrorsPerConnection: errorCount } : {},
    },
  )
}

/** Unknown recipients, then the existing one, in one transaction: what RCPT said to the existing one. */
async function oneTransaction(session: ProbeSession, to: string, domain: string): Promise<Said> {
  let said = await session.say('MAIL FROM:<>')
  for (let count = 0; count < inOneTransaction && session.isOpen; count += 1) {
    said = await session.say(`RCPT TO:<${randomWord(14)}@${domain}>`)
    if (codeOf(said) === 421) return said
  }
  if (!session.isOpen) return said
  said = await session.say(`RCPT TO:<${to}>`)
  if (session.isOpen) await session.say('RSET')
  return said
}

interface Apart {
  readonly errorCount: number
  readonly isSlowed: boolean
  /** To the existing address at the end; null: the server hung up before. */
  readonly said: Said | null
}

async function manyTransactions(
  session: ProbeSession,
  to: string,
  domain: string,
  slowBefore: number,
): Promise<Apart> {
  let errorCount = inOneTransaction
  let slowCount = slowBefore
  while (errorCount < inOneConnection && slowCount < maxSlowCount) {
    const answer = await transact(session, { from: '', to: `${randomWord(14)}@${domain}` })
    errorCount += 1
    if (answer.kind !== 'rcpt' || answer.reply.code === 421)
      return { errorCount, isSlowed: false, said: null }
    if (answer.ms > slowMs) slowCount += 1
  }
  await session.say('MAIL FROM:<>')
  const said = session.isOpen ? await session.say(`RCPT TO:<${to}>`) : null
  return { errorCount, isSlowed: slowCount > 0, said }
}

function broken(
  subtype: string,
  count: number,
  words: string,
  evidence: Finding['evidence'],
  measured: Finding['measured'],
): Finding {
  return violated(
    text(
      `Nach ${count} Fehlern wird auch eine vorhandene Adresse abgelehnt: „${words}“`,
      `After ${count} errors an existing address is refused too: “${words}”`,
    ),
    {
      subtype,
      evidence,
      measured,
      remedy: {
        text: text(
          `Nach ${count} Fehlern wird auch eine gültige Adresse abgelehnt. Nehmen Sie die Relay-Netze von Fehlerzählern aus; das Relay fragt bis dahin vorsichtiger.`,
          `After ${count} errors a valid address is refused too. Exempt the relay networks from error counters; until then the relay asks more carefully.`,
        ),
        snippets: ['networks', 'content-rules'],
      },
    },
  )
}
