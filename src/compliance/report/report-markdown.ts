// The report for tickets and wikis.

import type { Outcome, Report } from '#compliance/compliance.ts'
import { mtaNames } from '#compliance/mta/recognise.ts'
import type { Language } from '#compliance/text.ts'
import type { Excerpt } from '#compliance/transcript.ts'
import { shownSnippets, type RemedyNames } from './remedies.ts'
import {
  countsText,
  kindWords,
  outcomesOf,
  overallOf,
  overallWords,
  severityOf,
  severityWords,
  words,
} from './words.ts'

export function reportMarkdown(report: Report, names: RemedyNames, language: Language): string {
  const { target, recognition } = report
  const program =
    recognition.mta === null ? words.unknownProgram[language] : mtaNames[recognition.mta]
  const when = new Date(report.startedAtMs).toISOString()
  return [
    `# pforte check ${escaped(`${target.host}:${target.port}`)}`,
    `**${overallWords[overallOf(report)][language]}** ${countsText(report, language)}`,
    `${words.checked[language]}: ${when}, ${(report.ms / 1000).toFixed(1)} s. ${words.program[language]}: ${program}.`,
    ...(report.isComplete ? [] : [words.stopped[language]]),
    ...[...outcomesOf(report, 'violated'), ...outcomesOf(report, 'undetermined')].map((each) =>
      section(each, report, names, language),
    ),
    table(report, language),
  ].join('\n\n')
}

function section(outcome: Outcome, report: Report, names: RemedyNames, language: Language): string {
  const { check, finding } = outcome
  const kind = `${kindWords[finding.kind][language]}, ${severityWords[severityOf(outcome)][language]}`
  const { remedy } = finding
  const parts = [
    `## ${escaped(check.title[language])} (\`${check.id}\`, ${kind})`,
    escaped(finding.summary[language]),
    `*${words.requirement[language]}:* ${escaped(check.requirement[language])} (${escaped(check.source)})`,
  ]
  if (remedy !== null) {
    parts.push(`*${words.remedy[language]}:* ${escaped(remedy.text[language])}`)
    for (const { program, where, code } of shownSnippets(remedy, report, names, language)) {
      parts.push(`${program}, ${escaped(where)}:`, fenced(code))
    }
  }
  for (const excerpt of finding.evidence) parts.push(fenced(excerptText(excerpt, report)))
  return parts.join('\n\n')
}

function excerptText({ transcript, from, to }: Excerpt, report: Report): string {
  const found = report.transcripts.find(({ id }) => id === transcript)
  if (found === undefined) return ''
  const signs = { client: 'C:', server: 'S:', note: '--' }
  const head = `#${found.id} ${found.source ?? '-'} -> ${found.target}:${found.port} ${found.tls ?? ''}`
  const lines = found.lines.slice(from, to)
  return [head, ...lines.map((each) => `${each.atMs} ms ${signs[each.from]} ${each.text}`)].join(
    '\n',
  )
}

function table(report: Report, language: Language): string {
  const rows = report.outcomes.map(
    (each) =>
      `| \`${each.check.id}\` | ${severityWords[severityOf(each)][language]} | ${kindWords[each.finding.kind][language]} | ${escaped(each.finding.summary[language])} |`,
  )
  return ['| id | | | |', '| --- | --- | --- | --- |', ...rows, ''].join('\n')
}

/** A server's words shall not become links, images or markup. */
function escaped(words: string): string {
  return words.replace(/[\\`*_{}[\]<>#|!&]/g, (character) => `\\${character}`)
}

/** The fence is longer than any run of backticks inside. */
function fenced(code: string): string {
  const longest = Math.max(2, ...[...code.matchAll(/`+/g)].map(([run]) => run.length))
  const fence = '`'.repeat(longest + 1)
  return `${fence}text\n${code}\n${fence}`
}
