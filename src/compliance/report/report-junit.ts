// The report for build servers, in the JUnit form that all of them read.

import type { Outcome, Report } from '#compliance/compliance.ts'
import type { Language } from '#compliance/text.ts'
import { outcomesOf, severityOf } from './words.ts'

/** Violated musts are failures; what could not be determined, and advice, is skipped with its reason. */
export function reportJunit(report: Report, language: Language): string {
  const musts = outcomesOf(report, 'violated').filter((each) => severityOf(each) === 'must')
  const cases = report.outcomes.map((outcome) => testCase(outcome, report, language))
  const isSkipped = (line: string): boolean => line.includes('<skipped')
  return `<?xml version="1.0" encoding="UTF-8"?>
<testsuites>
<testsuite name="${escaped(`pforte check ${report.target.host}`)}" tests="${cases.length}" failures="${musts.length}" skipped="${cases.filter(isSkipped).length}" time="${(report.ms / 1000).toFixed(3)}">
${cases.join('\n')}
</testsuite>
</testsuites>
`
}

function testCase(outcome: Outcome, report: Report, language: Language): string {
  const { check, finding, ms } = outcome
  const head = `<testcase classname="${escaped(report.target.host)}" name="${check.id}" time="${(ms / 1000).toFixed(3)}"`
  if (finding.kind === 'met') return `${head}/>`
  const summary = escaped(finding.summary[language])
  if (finding.kind === 'violated' && severityOf(outcome) === 'must') {
    const remedy = finding.remedy?.text[language] ?? ''
    const type = escaped(finding.subtype ?? 'violated')
    return `${head}><failure type="${type}" message="${summary}">${escaped(remedy)}</failure></testcase>`
  }
  return `${head}><skipped message="${escaped(`${finding.kind}: `)}${summary}"/></testcase>`
}

function escaped(words: string): string {
  const entities: Readonly<Record<string, string>> = {
    '&': '&amp;',
    '<': '&lt;',
    '>': '&gt;',
    '"': '&quot;',
  }
  return words.replace(/[&<>"]/g, (character) => entities[character] ?? '')
}
