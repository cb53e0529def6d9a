// Puts recipient verification together: memory, store, questions.

import type { Clock } from '#base/clock.ts'
import type { NextHops } from '#nexthop/nexthop.ts'
import { createRecipientCache } from './cache.ts'
import { createCatchAllWatch } from './catch-all.ts'
import type { AgeRules } from './decide.ts'
import { emptyEntry } from './entry.ts'
import { openRecipientStore } from './recipient-store.ts'
import type { RecipientEvent, RecipientFault, Recipients } from './recipients.ts'
import { answerRecord, recordOf } from './record.ts'
import { subjectLocal } from './subject.ts'
import { Verifier } from './verifier.ts'

/** The names are those of the configuration's `verification`. */
export interface RecipientOptions extends AgeRules {
  readonly nextHops: NextHops
  /** Absolute folder of the state, for recipients.db. Null: nothing outlives the process. */
  readonly folder: string | null
  readonly clock: Clock
  /** 0 ≤ value < 1. */
  readonly random: () => number
  readonly emit: (event: RecipientEvent | RecipientFault) => void
  /** Budget of one RCPT. */
  readonly totalTimeoutMs: number
  /** Asked with when a target refuses the null reverse-path; '' never. */
  readonly probeSender: string
  readonly maxEntriesPerDomain: number
  readonly catchAllIntervalMs: number
}

/** How long `close` waits for questions it has aborted. */
const closeTimeoutMs = 2000

/** Never throws because of the store: what cannot be opened is told by an event and done without. */
export function openRecipients(options: RecipientOptions): Recipients {
  const { clock, emit } = options
  const cache = createRecipientCache(options.maxEntriesPerDomain)
  const store = openRecipientStore({
    folder: options.folder,
    clock,
    maxEntriesPerDomain: options.maxEntriesPerDomain,
    keepMs: options.positiveStaleMs,
    onFailure: (error) => {
      emit({ kind: 'recipient-store-failed', error })
    },
    onForeignChange: (change) => {
      if (change.kind === 'everything') cache.clear()
      else if (change.local === null) cache.removeDomain(change.domain)
      else cache.remove(change.domain, change.local)
    },
  })
  const marks = store.marks()
  const closing = new AbortController()
  const verifier = new Verifier({
    nextHops: options.nextHops,
    clock,
    random: options.random,
    emit,
    rules: options,
    cache,
    store,
    catchAlls: createCatchAllWatch(marks.catchAlls, options.catchAllIntervalMs),
    question: {
      nextHops: options.nextHops,
      clock,
      probeSender: options.probeSender,
      totalTimeoutMs: options.totalTimeoutMs,
      probeSenderRoutes: new Set(marks.probeSenderRoutes),
      onProbeSender: (routeId, isNeeded) => {
        store.putProbeSender(routeId, isNeeded)
      },
      signal: closing.signal,
    },
  })

  return {
    verify: (query) => verifier.verify(query),
    learn: (domain, mailbox, reply, nextHop) => verifier.learn(domain, mailbox, reply, nextHop),
    ask: async (query) => {
      const { asked, entry, last, answer } = await verifier.ask(query)
      return { outcome: asked.outcome, record: answerRecord(entry, last), answer }
    },
    show: ({ local, domain }) => {
      const entry = verifier.find(domain, local)
      return entry === undefined ? undefined : recordOf(entry, clock.now())
    },
    forget: ({ local, domain }) => {
      const wasCached = cache.remove(domain, local)
      return store.forget(domain, local) || wasCached
    },
    pin: ({ local, domain }, untilMs) => {
      const entry = verifier.find(domain, local) ?? emptyEntry(domain, local)
      cache.put({ ...entry, pinnedUntilMs: untilMs })
      store.pin(domain, local, untilMs)
    },
    replaceList: (domain, mailboxes) => {
      const locals = new Set<string>()
      for (const { local } of mailboxes) locals.add(subjectLocal(domain.subaddressSeparator, local))
      cache.removeDomain(domain.domain)
      return store.replaceList(domain.domain, locals, clock.now())
    },
    close: async () => {
      closing.abort()
      await settledWithin(verifier.settled(), closeTimeoutMs)
      store.close()
    },
  }
}

async function settledWithin(work: Promise<void>, timeoutMs: number): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>()
  const timer = setTimeout(resolve, timeoutMs)
  await Promise.race([work, promise])
  clearTimeout(timer)
}
