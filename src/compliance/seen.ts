// What checks ask again and again: contacts, senders, and the difference between known and unknown recipients.

import { isPositive, isPermanent, isTransient } from '#smtp/reply.ts'
import { calloutSender } from './addresses.ts'
import type { CheckContext } from './check.ts'
import type { Greeted } from './dialog/contact.ts'
import type { Answer } from './dialog/questions.ts'
import { judgeRecipient, type RecipientVerdict } from './replies.ts'
import type { Vantage } from './target.ts'
import type { Excerpt } from './transcript.ts'

export interface Asked {
  readonly vantage: Vantage
  readonly from: string
  readonly to: string
  readonly answer: Answer
}

/** The first contact of the first vantage; null: there was no dialog. */
export async function firstGreeted({ prober, target }: CheckContext): Promise<Greeted | null> {
  const contact = await prober.firstContact(target.vantages[0])
  return contact.kind === 'greeted' && contact.greeted.ehlo !== null ? contact.greeted : null
}

/** The two reverse-paths that a relay may ask with. */
export function askingSenders({ prober }: CheckContext): readonly [string, string] {
  return ['', calloutSender(prober.senderDomain)]
}

export async function askAll(
  context: CheckContext,
  questions: readonly Omit<Asked, 'answer'>[],
): Promise<readonly Asked[]> {
  const asked: Asked[] = []
  for (const question of questions) {
    asked.push({ ...question, answer: await context.questions.askOnce(question) })
  }
  return asked
}

/** First existing address, first vantage, both senders. */
export async function askExisting(context: CheckContext): Promise<readonly Asked[]> {
  const [to = ''] = context.target.existing
  const [vantage] = context.target.vantages
  return await askAll(
    context,
    askingSenders(context).map((from) => ({ vantage, from, to })),
  )
}

/** The nominated unknown address and three random ones, first vantage, both senders. */
export async function askUnknown(context: CheckContext): Promise<readonly Asked[]> {
  const { target } = context
  const [vantage] = target.vantages
  const recipients = [...target.unknown.slice(0, 1), ...target.random]
  return await askAll(
    context,
    recipients.flatMap((to) => askingSenders(context).map((from) => ({ vantage, from, to }))),
  )
}

/** What RCPT said; `before` when it was not reached. */
export function verdictOf(answer: Answer): RecipientVerdict | 'before' {
  return answer.kind === 'rcpt' ? judgeRecipient(answer.reply) : 'before'
}

export function isAccepted({ answer }: Asked): boolean {
  return verdictOf(answer) === 'accepted'
}

/** 5yz to RCPT, whatever its words. */
export function isRefused({ answer }: Asked): boolean {
  return answer.kind === 'rcpt' && isPermanent(answer.reply)
}

export function isDeferred({ answer }: Asked): boolean {
  return answer.kind !== 'none' && isTransient(answer.reply)
}

/** Any yes to RCPT, 252 too. */
export function isTaken({ answer }: Asked): boolean {
  return answer.kind === 'rcpt' && isPositive(answer.reply)
}

export function seenOf(asked: readonly Asked[]): readonly Excerpt[] {
  return asked.map(({ answer }) => answer.seen)
}
