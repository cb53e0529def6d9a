// Many transactions on one connection, without content: how many until the server has enough?

import { freshSender } from './addresses.ts'
import type { CheckContext } from './check.ts'
import { transact } from './dialog/questions.ts'
import { codeOf, saidText } from './dialog/session.ts'
import { wordsOf } from './replies.ts'
import type { Excerpt } from './transcript.ts'

export interface Series {
  /** Transactions that were answered with yes. */
  readonly count: number
  /** What ended it early, cleaned; null: nothing did. */
  readonly end: string | null
  readonly seen: Excerpt | null
}

export async function transactionsInARow(context: CheckContext, wanted: number): Promise<Series> {
  const contact = await context.prober.greet(context.target.vantages[0], 'asRelay')
  if (contact.kind === 'failed') return { count: 0, end: contact.detail, seen: contact.seen }
  const { session, ehlo, banner } = contact.greeted
  if (!session.isOpen || codeOf(ehlo) !== 250) {
    return { count: 0, end: saidText(ehlo ?? banner), seen: banner.seen }
  }
  const [to = ''] = context.target.existing
  const from = freshSender(context.prober.senderDomain)
  try {
    for (let count = 0; count < wanted; count += 1) {
      const start = session.transcript.lines.length
      const answer = await transact(session, { from, to })
      const isFine = answer.kind === 'rcpt' && answer.reply.code < 300
      if (!isFine) return { count, end: wordsOf(answer), seen: session.transcript.since(start) }
    }
    return { count: wanted, end: null, seen: null }
  } finally {
    await session.quit()
  }
}
