// The snippets of a remedy for the program that was recognised, or for all of them.

import type { Remedy } from '#compliance/check.ts'
import type { Report } from '#compliance/compliance.ts'
import { mtaNames, mtas } from '#compliance/mta/recognise.ts'
import { fillSnippet } from '#compliance/mta/fill-snippet.ts'
import { snippets, type System } from '#compliance/mta/snippets.ts'
import type { Language } from '#compliance/text.ts'

export interface ShownSnippet {
  /** `Postfix`, or `nftables`, which may stand before any of them. */
  readonly program: string
  readonly where: string
  readonly code: string
}

export interface RemedyNames {
  /** CIDR blocks that the relays connect from. */
  readonly networks: readonly string[]
}

const systemNames: Readonly<Record<System, string>> = { ...mtaNames, nftables: 'nftables' }

export function shownSnippets(
  remedy: Remedy,
  report: Report,
  { networks }: RemedyNames,
  language: Language,
): readonly ShownSnippet[] {
  const { mta } = report.recognition
  const shown: readonly System[] = [...(mta === null ? mtas : [mta]), 'nftables']
  const domain = report.target.domains[0] ?? report.target.host
  const found = remedy.snippets.flatMap((topic) =>
    shown.flatMap((each) => {
      const snippet = snippets[topic][each]
      if (snippet === undefined) return []
      return {
        program: systemNames[each],
        where: snippet.where[language],
        code: fillSnippet(snippet.code, { networks, domain, port: report.target.port }),
      }
    }),
  )
  // Two topics may lead to the same lines of one program.
  return found.filter((each, index) => found.findIndex(({ code }) => code === each.code) === index)
}
