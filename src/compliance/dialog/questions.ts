// "Would you take a mail for this recipient?": MAIL, RCPT, RSET on shared connections, as the relay asks it.

import type { PeerReply } from '#smtp/reply.ts'
import { vantageText, type Vantage } from '#compliance/target.ts'
import type { Excerpt } from '#compliance/transcript.ts'
import { sleep, type Contact } from './contact.ts'
import { saidText, type ProbeSession } from './session.ts'

export interface Question {
  readonly vantage: Vantage
  /** Reverse-path without brackets, '' for null. */
  readonly from: string
  /** Forward-path without brackets. */
  readonly to: string
  /** Of MAIL, such as `SIZE=52494336`. */
  readonly parameters?: string
}

export type Answer =
  /** The server's reply to RCPT. */
  | {
      readonly kind: 'rcpt'
      readonly reply: PeerReply
      readonly ms: number
      readonly seen: Excerpt
    }
  /** Refused before RCPT: it says nothing about the recipient. */
  | {
      readonly kind: 'mail'
      readonly reply: PeerReply
      readonly ms: number
      readonly seen: Excerpt
    }
  /** No connection, no welcome, no reply. `detail` is cleaned. */
  | { readonly kind: 'none'; readonly detail: string; readonly seen: Excerpt }

export interface Questions {
  /** Asks now. */
  readonly ask: (question: Question) => Promise<Answer>
  /** Asks unless the very same question has been asked by this method before. */
  readonly askOnce: (question: Question) => Promise<Answer>
  /** The next question comes on a new connection. */
  readonly renew: (vantage: Vantage) => Promise<void>
  readonly close: () => Promise<void>
}

/** Servers slow down or hang up after so many errors: Postfix from 10 on, sendmail from 3. */
const maxRefusalsPerSession = 3
/** Courier waits 8 s at the first error of a connection, and twice as long at each further one. */
const slowRefusalMs = 2000
/** Exim hangs up at the eleventh command that is not of a mail, and each RSET is one (`smtp_accept_max_nonmail`). */
const maxQuestionsPerSession = 8

interface Shared {
  session: ProbeSession
  questionCount: number
  refusalCount: number
}

/** One question at a time from each vantage. */
export function createQuestions(options: {
  readonly greet: (vantage: Vantage) => Promise<Contact>
  readonly gapMs: number
  readonly monotonicMs: () => number
  readonly signal: AbortSignal
}): Questions {
  const shared = new Map<string, Shared>()
  const turns = new Map<string, Promise<unknown>>()
  const remembered = new Map<string, Promise<Answer>>()
  let nextMs = 0

  /** Whoever comes later from the same vantage waits. */
  const inTurn = <Value>(key: string, work: () => Promise<Value>): Promise<Value> => {
    const result = (turns.get(key) ?? Promise.resolve()).then(work)
    turns.set(
      key,
      result.catch(() => undefined),
    )
    return result
  }

  const drop = async (key: string): Promise<void> => {
    const old = shared.get(key)
    shared.delete(key)
    await old?.session.quit()
  }

  const sessionFor = async (
    vantage: Vantage,
  ): Promise<Shared | Extract<Answer, { kind: 'none' }>> => {
    const key = vantageText(vantage)
    const current = shared.get(key)
    const isUsable =
      current !== undefined &&
      current.session.isOpen &&
      !current.session.hasUnread &&
      current.questionCount < maxQuestionsPerSession &&
      current.refusalCount < maxRefusalsPerSession
    if (isUsable) return current
    await drop(key)
    const contact = await options.greet(vantage)
    if (contact.kind === 'failed')
      return { kind: 'none', detail: contact.detail, seen: contact.seen }
    const { session, banner, ehlo } = contact.greeted
    const isGreeted = ehlo?.kind === 'reply' && ehlo.reply.code === 250 && session.isOpen
    if (!isGreeted) {
      await session.quit()
      const detail = saidText(ehlo ?? banner)
      return { kind: 'none', detail, seen: session.transcript.since(0) }
    }
    const fresh = { session, questionCount: 0, refusalCount: 0 }
    shared.set(key, fresh)
    return fresh
  }

  const askNow = async (question: Question): Promise<Answer> => {
    const waitMs = nextMs - options.monotonicMs()
    nextMs = Math.max(options.monotonicMs(), nextMs) + options.gapMs
    if (waitMs > 0) await sleep(waitMs, options.signal)
    const found = await sessionFor(question.vantage)
    if ('kind' in found) return found
    const isReused = found.questionCount > 0
    found.questionCount += 1
    const answer = await transact(found.session, question)
    if (answer.kind !== 'none' && answer.reply.code >= 400) {
      found.refusalCount += answer.ms > slowRefusalMs ? maxRefusalsPerSession : 1
    }
    // A server may hang up between two mails; that says nothing about this one.
    if (answer.kind === 'none' && isReused && !options.signal.aborted) {
      await drop(vantageText(question.vantage))
      return await askNow(question)
    }
    return answer
  }

  const ask = (question: Question): Promise<Answer> =>
    inTurn(vantageText(question.vantage), () => askNow(question))

  return {
    ask,
    askOnce: (question) => {
      const { vantage, from, to, parameters = '' } = question
      const key = JSON.stringify([vantageText(vantage), from, to, parameters])
      const known = remembered.get(key) ?? ask(question)
      remembered.set(key, known)
      return known
    },
    renew: (vantage) => inTurn(vantageText(vantage), () => drop(vantageText(vantage))),
    close: async () => {
      await Promise.all([...shared.keys()].map(drop))
    },
  }
}

/** One transaction without content on a session that has said EHLO. Ends it with RSET. */
export async function transact(
  session: ProbeSession,
  { from, to, parameters }: Omit<Question, 'vantage'>,
): Promise<Answer> {
  const start = session.transcript.lines.length
  const more = parameters === undefined || parameters === '' ? '' : ` ${parameters}`
  const mail = await session.say(`MAIL FROM:<${from}>${more}`)
  const seen = (): Excerpt => session.transcript.since(start)
  if (mail.kind === 'silence') return { kind: 'none', detail: mail.detail, seen: seen() }
  if (mail.reply.code !== 250) {
    await session.say('RSET')
    return { kind: 'mail', reply: mail.reply, ms: mail.ms, seen: seen() }
  }
  const rcpt = await session.say(`RCPT TO:<${to}>`)
  if (rcpt.kind === 'silence') return { kind: 'none', detail: rcpt.detail, seen: seen() }
  const evidence = seen()
  if (session.isOpen && rcpt.reply.code !== 421) await session.say('RSET')
  return { kind: 'rcpt', reply: rcpt.reply, ms: rcpt.ms, seen: evidence }
}
