// Checks that look for one keyword of EHLO: what the relay may offer for the domain depends on it.

import { isPermanent } from '#smtp/reply.ts'
import { calloutSender } from './addresses.ts'
import {
  met,
  undetermined,
  violated,
  type Check,
  type CheckContext,
  type Finding,
  type Severity,
} from './check.ts'
import type { Answer } from './dialog/questions.ts'
import type { SnippetTopic } from './mta/snippets.ts'
import type { Profile } from './profile.ts'
import { wordsOf } from './replies.ts'
import { firstGreeted, verdictOf } from './seen.ts'
import { text, type Text } from './text.ts'

export interface Capability {
  readonly id: string
  readonly keyword: string
  readonly source: string
  readonly severity: Severity
  /** Of MAIL: who offers the keyword accepts this. Absent: the keyword is all there is to see. */
  readonly parameters?: string
  /** What the relay does when the keyword is missing. */
  readonly otherwise: Text
  readonly measured: (isOffered: boolean) => Profile
  readonly snippets?: readonly SnippetTopic[]
}

/** `info`: a missing keyword is no fault, it is only told. */
export function capabilityCheck(capability: Capability): Check {
  const { id, keyword, source, severity, otherwise, measured } = capability
  return {
    id,
    // What is only told is no statement that a missing keyword would deny.
    title:
      severity === 'info'
        ? text(`Erweiterung ${keyword}`, `The extension ${keyword}`)
        : text(`${keyword} wird angeboten`, `${keyword} is offered`),
    requirement:
      severity === 'info'
        ? text(
            `Nur zur Information: Bietet der Server ${keyword} an?`,
            `For information only: whether the server offers ${keyword}.`,
          )
        : text(`Der Server bietet ${keyword} an.`, `The server offers ${keyword}.`),
    source,
    severity,
    phase: 'recipients',
    needs: [],
    run: async (context) => {
      const greeted = await firstGreeted(context)
      if (greeted === null || greeted.ehlo === null)
        return undetermined(text('Es kam nicht bis zu EHLO.', 'EHLO was not reached.'))
      const line = greeted.session.extensions.keywords.find(
        (each) => each.trim().split(/[ =]/)[0]?.toUpperCase() === keyword,
      )
      const details = { evidence: [greeted.ehlo.seen], measured: measured(line !== undefined) }
      if (line !== undefined) {
        const refusal = await refusalOf(context, capability.parameters)
        return refusal === null
          ? met(text(keyword, keyword), details)
          : emptyPromise(keyword, refusal, measured(false))
      }
      const summary = text(`Kein ${keyword}. ${otherwise.de}`, `No ${keyword}. ${otherwise.en}`)
      if (severity === 'info') return met(summary, { ...details, subtype: 'not-offered' })
      return violated(summary, {
        ...details,
        subtype: 'not-offered',
        remedy: { text: otherwise, snippets: capability.snippets ?? [] },
      })
    },
  }
}

/** The answer to MAIL with these parameters, when a question without them gets another one. */
async function refusalOf(
  context: CheckContext,
  parameters: string | undefined,
): Promise<Answer | null> {
  const [to] = context.target.existing
  if (parameters === undefined || to === undefined) return null
  const [vantage] = context.target.vantages
  const from = calloutSender(context.prober.senderDomain)
  const without = await context.questions.askOnce({ vantage, from, to })
  if (verdictOf(without) !== 'accepted') return null
  const answer = await context.questions.askOnce({ vantage, from, to, parameters })
  return answer.kind !== 'none' && isPermanent(answer.reply) ? answer : null
}

function emptyPromise(keyword: string, answer: Answer, measured: Profile): Finding {
  const words = wordsOf(answer)
  return violated(
    text(`${keyword} wird angeboten, aber: „${words}“`, `${keyword} is offered, but: “${words}”`),
    {
      subtype: 'offered-in-vain',
      evidence: [answer.seen],
      measured,
      remedy: {
        text: text(
          `Der Server bietet ${keyword} an und lehnt es dann ab. Prüfen Sie, ob ein Filter oder eine Firewall davor antwortet.`,
          `The server offers ${keyword} and then refuses it. Check whether a filter or firewall answers in front of it.`,
        ),
        snippets: [],
      },
    },
  )
}
