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
/** A pause of the server's: Postfix makes one of a second from its tenth error on, sendmail from its fourth. */
const slowMs = 800
/** Of such pauses in all: that the server counts errors is seen by then, more would only cost time. */
const maxPausedMs = 2500

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
  const {
    said: together,
    errorCount: countTogether,
    isSlowed: isSlowedAlready,
  } = await oneTransaction(session, to, domain)
  // Slowed down, and yes all the same: each further command would take a second and tell nothing new.
  if (isSlowedAlready && codeOf(together) === 250) {
    return accepted(countTogether, true, [session.transcript.since(0)])
  }
  const apart = session.isOpen ? await manyTransactions(session, to, domain, countTogether) : null
  const isOfResets = hasTooManyResets(session) // then it was not the errors
  const evidence = [session.transcript.since(0)]
  const lost = apart ?? { errorCount: countTogether, said: together }
  if (!isOfResets && (apart === null || apart.said === null || codeOf(apart.said) !== 250)) {
    const words = lost.said === null ? '' : saidText(lost.said)
    // Ended at its last error: that many are too much. Else a known one was refused after fewer, and how many is open.
    const isCut = apart === null || apart.said === null
    return broken('errors-in-connection', lost.errorCount, words, evidence, {
      calloutErrorsPerConnection: isCut ? lost.errorCount : 1,
    })
  }
  if (codeOf(together) !== 250) {
    return broken('errors-in-transaction', countTogether, saidText(together), evidence, {})
  }
  const { errorCount, isSlowed } = apart ?? { errorCount: countTogether, isSlowed: false }
  return accepted(errorCount, isSlowed, evidence, isOfResets)
}

function accepted(
  errorCount: number,
  isSlowed: boolean,
  evidence: Finding['evidence'],
  isOfResets: boolean = false,
): Finding {
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

interface Together {
  /** To the existing address; when it did not come to that, the last words of the server. */
  readonly said: Said
  readonly errorCount: number
  readonly isSlowed: boolean
}

/** Unknown recipients, then the existing one, in one transaction. Ends it only when it was not slowed down. */
async function oneTransaction(
  session: ProbeSession,
  to: string,
  domain: string,
): Promise<Together> {
  let said = await session.say('MAIL FROM:<>')
  let errorCount = 0
  let pausedMs = 0
  while (errorCount < inOneTransaction && pausedMs < maxPausedMs && session.isOpen) {
    said = await session.say(`RCPT TO:<${randomWord(14)}@${domain}>`)
    errorCount += 1
    if (said.ms > slowMs) pausedMs += said.ms
    if (codeOf(said) === 421) break
  }
  const isSlowed = pausedMs > 0
  if (!session.isOpen || codeOf(said) === 421) return { said, errorCount, isSlowed }
  said = await session.say(`RCPT TO:<${to}>`)
  if (session.isOpen && !(isSlowed && codeOf(said) === 250)) await session.say('RSET')
  return { said, errorCount, isSlowed }
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
  errorsBefore: number,
): Promise<Apart> {
  let errorCount = errorsBefore
  let pausedMs = 0
  while (errorCount < inOneConnection && pausedMs < maxPausedMs) {
    const answer = await transact(session, { from: '', to: `${randomWord(14)}@${domain}` })
    errorCount += 1
    if (answer.kind !== 'rcpt' || answer.reply.code === 421)
      return { errorCount, isSlowed: false, said: null }
    if (answer.ms > slowMs) pausedMs += answer.ms
  }
  await session.say('MAIL FROM:<>')
  const said = session.isOpen ? await session.say(`RCPT TO:<${to}>`) : null
  return { errorCount, isSlowed: pausedMs > 0, said }
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
