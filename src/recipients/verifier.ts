// Recipient verification at work: memory first, then one question for all who ask for the same.

import type { Clock } from '#base/clock.ts'
import type { Mailbox } from '#smtp/path.ts'
import { isPositive, type PeerReply } from '#smtp/reply.ts'
import { accept, defer, reject, type Verdict } from '#verdict/verdict.ts'
import type { NextHopFacts, NextHops } from '#nexthop/nexthop.ts'
import type { Route, ServedDomain } from '#registry/registry.ts'
import type { RecipientCache } from './cache.ts'
import { Background } from './background.ts'
import type { CatchAllWatch } from './catch-all.ts'
import { CatchAllQuestions } from './catch-all-questions.ts'
import { classifyReply } from './classify.ts'
import { decide, verdictOf, type AgeRules, type LiveAnswer, type Situation } from './decide.ts'
import { emptyEntry, type LastAnswer, type RecipientEntry } from './entry.ts'
import { askNextHop, type Asked, type QuestionOptions, type RecipientQuestion } from './question.ts'
import type { RecipientStore } from './recipient-store.ts'
import type {
  CalloutOutcome,
  RecipientAnswer,
  RecipientEvent,
  RecipientFault,
  RecipientQuery,
} from './recipients.ts'
import { remember, type AnswerPurpose, type Remembered } from './remember.ts'
import { sizeProblem } from './size-limit.ts'
import { subjectLocal } from './subject.ts'

/** A positive younger than this is not renewed by a delivery: one write a minute is enough. */
const renewAfterMs = 60_000

/** Refreshes of one target under way at once; what is over it is refreshed at its next use. */
const maxRefreshCount = 4

export interface VerifierOptions {
  readonly nextHops: NextHops
  readonly clock: Clock
  readonly random: () => number
  readonly emit: (event: RecipientEvent | RecipientFault) => void
  readonly rules: AgeRules
  readonly cache: RecipientCache
  readonly store: RecipientStore
  readonly catchAlls: CatchAllWatch
  readonly question: QuestionOptions
}

/** Whether the caller has just looked, and nothing is known of the recipient. */
type Known = 'nothing' | 'unsure'

interface Flight {
  readonly sizeBytes: number | null
  readonly answer: Promise<Asked>
}

export class Verifier {
  readonly #options: VerifierOptions
  /** Questions under way, by route, kind and address. */
  readonly #flights = new Map<string, Flight>()
  readonly #background: Background
  readonly #catchAllQuestions: CatchAllQuestions
  readonly #refreshCounts = new Map<string, number>()

  constructor(options: VerifierOptions) {
    this.#options = options
    this.#background = new Background((recipient, error) => this.#emitFault(recipient, error))
    this.#catchAllQuestions = new CatchAllQuestions(options, this.#background)
  }

  verify(query: RecipientQuery): RecipientAnswer | Promise<RecipientAnswer> {
    try {
      const { domain } = query
      const local = subjectLocal(domain.subaddressSeparator, query.mailbox.local)
      const tooLarge = this.#tooLarge(query)
      if (tooLarge !== undefined) return tooLarge
      const entry = this.find(domain.domain, local)
      const decision = decide(this.#situation(query, entry, null), this.#options.rules)
      if (decision.kind === 'ask') {
        return this.#verifyLive(query, local, entry === undefined ? 'nothing' : 'unsure')
      }
      if (decision.refresh) this.#refresh(domain, local)
      return decision.answer
    } catch (error) {
      return this.#fault(query, error)
    }
  }

  find(domain: string, local: string): RecipientEntry | undefined {
    const entry = this.#options.cache.find(domain, local)
    if (entry !== undefined) return entry
    const stored = this.#options.store.find(domain, local)
    if (stored !== undefined) this.#options.cache.put(stored)
    return stored
  }

  learn(domain: ServedDomain, mailbox: Mailbox, reply: PeerReply, nextHop: NextHopFacts): Verdict {
    const local = subjectLocal(domain.subaddressSeparator, mailbox.local)
    const context = { patterns: domain.replyPatterns, local, isSizeDeclared: false }
    const outcome = classifyReply(reply, context)
    if (outcome.kind !== 'unknown') this.#learnOutcome(domain, local, outcome, nextHop)
    // 252 says nothing about the mailbox, but a delivery may go on after it as after any 2yz.
    return isPositive(reply) ? accept : verdictOf(outcome, nextHop.server)
  }

  #learnOutcome(
    domain: ServedDomain,
    local: string,
    outcome: Exclude<CalloutOutcome, { readonly kind: 'unknown' }>,
    nextHop: NextHopFacts,
  ): void {
    const { clock, rules } = this.#options
    const entry = this.find(domain.domain, local) ?? emptyEntry(domain.domain, local)
    const routeId = domain.calloutRoute.id
    const atMs = clock.now()
    if (outcome.kind === 'deliverable' && isYoungPositive(entry, routeId, atMs)) return
    const heard = { outcome, purpose: 'delivery', routeId, nextHop, atMs, tookMs: 0 } as const
    const remembered = remember(entry, heard, rules.demoteAfterMs)
    this.#keep(remembered.entry)
    if (remembered.isDemoted) this.#demoted(remembered.entry, 'delivery', outcome.reply)
  }

  /** Asks for this caller alone, and remembers. */
  async ask(query: RecipientQuery): Promise<{
    readonly asked: Asked
    readonly entry: RecipientEntry
    readonly last: LastAnswer
    readonly answer: RecipientAnswer
  }> {
    const local = subjectLocal(query.domain.subaddressSeparator, query.mailbox.local)
    const { asked, entry, last } = await this.#askAndRemember(
      questionOf(query, local),
      'command',
      'unsure',
    )
    return { asked, entry, last, answer: this.#decideLive(query, local, asked) }
  }

  /** Questions under way, background ones included, have ended. */
  async settled(): Promise<void> {
    const flights = [...this.#flights.values()].map((flight) => flight.answer)
    await Promise.allSettled([...flights, this.#background.settled()])
  }

  #tooLarge(query: RecipientQuery): RecipientAnswer | undefined {
    if (query.sizeBytes === null) return undefined
    const { route, profile } = query.domain
    const extensions = this.#options.nextHops.extensions(route)
    const detail = sizeProblem(query.sizeBytes, profile.maxMessageBytes, extensions)
    if (detail === undefined) return undefined
    const verdict = reject({ kind: 'too-large-for-recipient', server: serverName(route), detail })
    return { verdict, source: 'cache', isKnownGood: false, tookMs: 0 }
  }

  #situation(
    query: RecipientQuery,
    entry: RecipientEntry | undefined,
    live: LiveAnswer | null,
  ): Situation {
    const { domain } = query
    const { nextHops, catchAlls, clock } = this.#options
    const route = domain.calloutRoute
    return {
      entry,
      live,
      isTargetDown: nextHops.isBreakerOpen(route),
      isCatchAll: catchAlls.isCatchAll(domain.domain, route.id),
      routeId: route.id,
      server: serverName(route),
      smtpUtf8: query.isSmtpUtf8 ? this.#smtpUtf8(domain) : 'not-needed',
      nowMs: clock.now(),
    }
  }

  /**
   * What counts is the server that will get the mail; the one that is asked stands in for it. Its own EHLO
   * says more than a measurement, and a person's no says more than that.
   */
  #smtpUtf8(domain: ServedDomain): Exclude<Situation['smtpUtf8'], 'not-needed'> {
    if (domain.byHand.takesSmtpUtf8 === false) return 'missing'
    const { nextHops } = this.#options
    const extensions = nextHops.extensions(domain.route) ?? nextHops.extensions(domain.calloutRoute)
    if (extensions === null)
      return domain.profile.takesSmtpUtf8 === false ? 'measured-missing' : 'unknown'
    return extensions.smtpUtf8 ? 'offered' : 'missing'
  }

  async #verifyLive(query: RecipientQuery, local: string, known: Known): Promise<RecipientAnswer> {
    try {
      const asked = await this.#askTogether(questionOf(query, local), 'rcpt', known)
      return this.#decideLive(query, local, asked)
    } catch (error) {
      return this.#fault(query, error)
    }
  }

  #decideLive(query: RecipientQuery, local: string, asked: Asked): RecipientAnswer {
    const { outcome, tookMs } = asked
    const live = { outcome, server: asked.nextHop.server, tookMs }
    const entry = this.find(query.domain.domain, local)
    const decision = decide(this.#situation(query, entry, live), this.#options.rules)
    if (decision.kind === 'ask') throw new Error('a live answer must decide')
    return decision.answer
  }

  async #askTogether(
    question: RecipientQuestion,
    purpose: 'rcpt' | 'refresh',
    known: Known,
  ): Promise<Asked> {
    const flight = this.#flights.get(flightKey(question))
    if (flight === undefined) return await this.#start(question, purpose, known).answer
    const asked = await flight.answer
    // Too big was said of another mail's size: ask without one, the delivery will tell.
    const isAboutOther = isTooBig(asked) && flight.sizeBytes !== question.sizeBytes
    if (!isAboutOther) return asked
    return await this.#askTogether({ ...question, sizeBytes: null }, purpose, 'unsure')
  }

  #start(question: RecipientQuestion, purpose: 'rcpt' | 'refresh', known: Known): Flight {
    const key = flightKey(question)
    const answer = this.#askAndRemember(question, purpose, known)
      .then(({ asked }) => asked)
      .finally(() => {
        this.#flights.delete(key)
      })
    const flight: Flight = { sizeBytes: question.sizeBytes, answer }
    this.#flights.set(key, flight)
    return flight
  }

  async #askAndRemember(
    question: RecipientQuestion,
    purpose: Exclude<AnswerPurpose, 'delivery'>,
    known: Known,
  ): Promise<{ readonly asked: Asked } & Remembered> {
    const { cache, clock, rules, emit } = this.#options
    const dropCount = cache.dropCount()
    const asked = await askNextHop(question, this.#options.question)
    const { domain, local } = question
    emit({ kind: 'recipient-asked', recipient: `${local}@${domain.domain}`, ...asked, purpose })
    // Reading the file once more is spared when nobody has told of a change since.
    const isUnchanged = known === 'nothing' && dropCount === cache.dropCount()
    const found = isUnchanged ? cache.find(domain.domain, local) : this.find(domain.domain, local)
    const entry = found ?? emptyEntry(domain.domain, local)
    const routeId = domain.calloutRoute.id
    const heard = { ...asked, purpose, routeId, atMs: clock.now() }
    const remembered = remember(entry, heard, rules.demoteAfterMs)
    this.#keep(remembered.entry)
    if (remembered.isDemoted && purpose === 'refresh' && asked.outcome.kind === 'undeliverable') {
      this.#demoted(remembered.entry, 'refresh', asked.outcome.reply)
    }
    if (purpose !== 'command' && asked.outcome.kind !== 'unknown')
      this.#catchAllQuestions.askWhenDue(domain)
    return { asked, ...remembered }
  }

  #keep(entry: RecipientEntry): void {
    this.#options.cache.put(entry)
    this.#options.store.put(entry)
  }

  #demoted(entry: RecipientEntry, by: 'delivery' | 'refresh', reply: PeerReply): void {
    const recipient = `${entry.local}@${entry.domain}`
    this.#options.emit({ kind: 'recipient-demoted', recipient, by, reply })
  }

  #refresh(domain: ServedDomain, local: string): void {
    const routeId = domain.calloutRoute.id
    const count = this.#refreshCounts.get(routeId) ?? 0
    const question = { domain, local, sizeBytes: null, isSmtpUtf8: !isAsciiLocal(local) }
    if (count >= maxRefreshCount || this.#flights.has(flightKey(question))) return
    this.#refreshCounts.set(routeId, count + 1)
    this.#background.run(`${local}@${domain.domain}`, async () => {
      try {
        await this.#askTogether(question, 'refresh', 'unsure')
      } finally {
        const left = (this.#refreshCounts.get(routeId) ?? 1) - 1
        if (left > 0) this.#refreshCounts.set(routeId, left)
        else this.#refreshCounts.delete(routeId)
      }
    })
  }

  #fault(query: RecipientQuery, error: unknown): RecipientAnswer {
    this.#emitFault(`${query.mailbox.local}@${query.mailbox.domain}`, error)
    const verdict = defer({ kind: 'internal-error' })
    return { verdict, source: 'cache', isKnownGood: false, tookMs: 0 }
  }

  #emitFault(recipient: string, error: unknown): void {
    const fault = new Error(`recipient verification of ${recipient} failed`, { cause: error })
    this.#options.emit({ kind: 'internal-error', session: null, error: fault })
  }
}

function questionOf(query: RecipientQuery, local: string): RecipientQuestion {
  const { domain, sizeBytes, isSmtpUtf8 } = query
  return { domain, local, sizeBytes, isSmtpUtf8 }
}

function flightKey({ domain, local, isSmtpUtf8 }: RecipientQuestion): string {
  return `${domain.calloutRoute.id}\n${isSmtpUtf8 ? 'utf8' : ''}\n${local}@${domain.domain}`
}

function isTooBig({ outcome }: Asked): boolean {
  return outcome.kind === 'unknown' && outcome.cause.kind === 'too-big'
}

function isYoungPositive(entry: RecipientEntry, routeId: string, nowMs: number): boolean {
  const { standing, refusedAtMs } = entry
  return (
    standing?.kind === 'positive' &&
    standing.routeId === routeId &&
    refusedAtMs === null &&
    nowMs - standing.atMs < renewAfterMs
  )
}

function isAsciiLocal(local: string): boolean {
  return Buffer.byteLength(local) === local.length
}

/** The name of a route for people, as long as nobody answered: its first endpoint. */
function serverName({ endpoints: [first] }: Route): string {
  switch (first.kind) {
    case 'host':
      return first.host
    case 'address':
      return first.address
    case 'mx':
      return first.name
  }
}
