// Checks that look for one keyword of EHLO: what the relay may offer for the domain depends on it.

import { met, undetermined, violated, type Check, type Severity } from './check.ts'
import type { SnippetTopic } from './mta/snippets.ts'
import type { Profile } from './profile.ts'
import { firstGreeted } from './seen.ts'
import { text, type Text } from './text.ts'

export interface Capability {
  readonly id: string
  readonly keyword: string
  readonly source: string
  readonly severity: Severity
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
    title: text(`${keyword} wird angeboten`, `${keyword} is offered`),
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
      if (line !== undefined) return met(text(keyword, keyword), details)
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
