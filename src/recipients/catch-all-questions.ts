// Asks in the background, now and then, whether a target takes every address.

import type { Clock } from '#base/clock.ts'
import type { ServedDomain } from '#registry/registry.ts'
import type { Background } from './background.ts'
import { randomLocalPart, type CatchAllWatch } from './catch-all.ts'
import { askNextHop, type QuestionOptions } from './question.ts'
import type { RecipientStore } from './recipient-store.ts'
import type { RecipientEvent } from './recipients.ts'

export interface CatchAllQuestionOptions {
  readonly catchAlls: CatchAllWatch
  readonly clock: Clock
  readonly random: () => number
  readonly emit: (event: RecipientEvent) => void
  readonly store: RecipientStore
  readonly question: QuestionOptions
}

export class CatchAllQuestions {
  readonly #options: CatchAllQuestionOptions
  readonly #background: Background

  constructor(options: CatchAllQuestionOptions, background: Background) {
    this.#options = options
    this.#background = background
  }

  askWhenDue(domain: ServedDomain): void {
    const { catchAlls, clock, random } = this.#options
    if (!catchAlls.takeDue(domain.domain, domain.calloutRoute.id, clock.now())) return
    const local = randomLocalPart(random)
    this.#background.run(`${local}@${domain.domain}`, async () => {
      await this.#ask(domain, local)
    })
  }

  async #ask(domain: ServedDomain, local: string): Promise<void> {
    const { catchAlls, clock, emit, store } = this.#options
    const question = { domain, local, sizeBytes: null, isSmtpUtf8: false }
    const asked = await askNextHop(question, this.#options.question)
    const recipient = `${local}@${domain.domain}`
    emit({ kind: 'recipient-asked', recipient, ...asked, purpose: 'catch-all' })
    const routeId = domain.calloutRoute.id
    const settled = catchAlls.settle(domain.domain, routeId, asked.outcome, clock.now())
    if (settled === undefined) return
    store.putCatchAll(settled.mark)
    if (settled.isFound) emit({ kind: 'catch-all-found', domain: domain.domain, recipient })
  }
}
