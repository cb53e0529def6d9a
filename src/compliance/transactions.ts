// Many transactions on one connection, without content: how many until the server has enough?

import { freshSender } from './addresses.ts'
import type { CheckContext } from './check.ts'
import { transact } from './dialog/questions.ts'
import { codeOf, saidText, type ProbeSession } from './dialog/session.ts'
import { wordsOf } from './replies.ts'
import type { Excerpt } from './transcript.ts'

export interface Series {
  /** Transactions that were answered with yes. */
  readonly count: number
  /** What ended it early, cleaned; null: nothing did. */
  readonly end: string | null
  readonly seen: Excerpt | null
}

/** Exim hangs up at the eleventh RSET without a mail (`smtp_accept_max_nonmail`): that counts questions, not mails. */
const maxConnectionCount = 6

/** Goes on with a new connection when one was closed without a word about mails. */
export async function transactionsInARow(context: CheckContext, wanted: number): Promise<Series> {
  let count = 0
  for (let connections = 1; ; connections += 1) {
    const series = await transactionsOnOneConnection(context, wanted - count)
    count += series.count
    const isOfQuestions = series.isClosed && series.count > 0
    if (!isOfQuestions || connections === maxConnectionCount || count === wanted) {
      return { count, end: count === wanted ? null : series.end, seen: series.seen }
    }
  }
}

/** `isClosed`: without a word about mails. */
export async function transactionsOnOneConnection(
  context: CheckContext,
  wanted: number,
): Promise<Series & { readonly isClosed: boolean }> {
  const failed = { count: 0, isClosed: false }
  const contact = await context.prober.greet(context.target.vantages[0], 'asRelay')
  if (contact.kind === 'failed') return { ...failed, end: contact.detail, seen: contact.seen }
  const { session, ehlo, banner } = contact.greeted
  if (!session.isOpen || codeOf(ehlo) !== 250) {
    return { ...failed, end: saidText(ehlo ?? banner), seen: banner.seen }
  }
  const [to = ''] = context.target.existing
  const from = freshSender(context.prober.senderDomain)
  try {
    for (let count = 0; count < wanted; count += 1) {
      const start = session.transcript.lines.length
      const answer = await transact(session, { from, to })
      const isFine = answer.kind === 'rcpt' && answer.reply.code < 300
      if (!isFine) {
        const end = wordsOf(answer)
        const isClosed = answer.kind === 'none' || hasTooManyResets(session)
        return { count, end, isClosed, seen: session.transcript.since(Math.max(0, start - 1)) }
      }
    }
    return { count: wanted, end: null, seen: null, isClosed: false }
  } finally {
    await session.quit()
  }
}

/** Exim says so and hangs up, or, within TLS, hangs up instead of an answer to RSET. */
export function hasTooManyResets({ transcript }: ProbeSession): boolean {
  const { lines } = transcript
  const last = lines.findLastIndex(({ from }) => from === 'server')
  const next = lines.slice(last + 1).find(({ from }) => from === 'client')
  return /too many nonmail commands/i.test(lines[last]?.text ?? '') || next?.text === 'RSET'
}
