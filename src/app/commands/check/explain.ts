// `pforte check --explain ID`: what a check demands, and where that comes from.

import { catalogue, type Check, type Language } from '#compliance/compliance.ts'
import { severityWords, words } from '#compliance/report/words.ts'
import { checkId, type Explanation } from './request.ts'

/** `all`: one line a check. */
export function explainChecks({ explain: id, language }: Explanation): string {
  if (id === 'all') return catalogue.map((check) => oneLine(check, language)).join('')
  checkId(
    id,
    catalogue.map((check) => check.id),
  )
  return catalogue
    .filter((check) => check.id === id)
    .map((check) => inFull(check, language))
    .join('')
}

function oneLine({ id, severity, title }: Check, language: Language): string {
  return `${id.padEnd(28)} ${severityWords[severity][language].padEnd(8)} ${title[language]}\n`
}

function inFull(check: Check, language: Language): string {
  const needs = check.needs.length === 0 ? '-' : check.needs.join(', ')
  return `${check.id}: ${check.title[language]} (${severityWords[check.severity][language]})
${words.requirement[language]}: ${check.requirement[language]}
${words.source[language]}: ${check.source}
${words.phase[language]}: ${check.phase}; ${words.needs[language]}: ${needs}
`
}
