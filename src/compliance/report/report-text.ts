// The report for a terminal: the summary first, then what has to be changed, then the rest.

import type { Finding, FindingKind } from '#compliance/check.ts'
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

export interface TextOptions extends RemedyNames {
  readonly language: Language
  readonly isColoured: boolean
  /** Columns of the terminal. */
  readonly width: number
}

const marks: Readonly<Record<FindingKind, string>> = {
  met: '✓',
  violated: '✗',
  undetermined: '?',
  'not-applicable': '-',
}
const colours: Readonly<Record<FindingKind, number>> = {
  met: 32,
  violated: 31,
  undetermined: 33,
  'not-applicable': 2,
}
/** Of one excerpt; the rest is in the JSON and HTML reports. */
const maxShownLines = 24

export function paint(isColoured: boolean, code: number, words: string): string {
  return isColoured ? `\u001b[${code}m${words}\u001b[0m` : words
}

export function reportText(report: Report, options: TextOptions): string {
  const violated = outcomesOf(report, 'violated')
  const undetermined = outcomesOf(report, 'undetermined')
  return [
    summary(report, options),
    ...violated.map((each) => inDetail(each, report, options)),
    ...undetermined.map((each) => inDetail(each, report, options)),
    briefly(report, 'met', options),
    briefly(report, 'not-applicable', options),
    profileText(report, options),
  ]
    .filter((part) => part !== '')
    .join('\n')
}

/** `✗ banner-220  Greeting with 220  1.2 s`: one line of the progress too. */
export function outcomeLine(outcome: Outcome, options: TextOptions): string {
  const { check, finding, ms } = outcome
  const mark = paint(options.isColoured, colours[finding.kind], marks[finding.kind])
  const time = ms < 1000 ? '' : `  ${(ms / 1000).toFixed(1)} s`
  return `${mark} ${check.id.padEnd(28)} ${check.title[options.language]}${time}`
}

function summary(report: Report, options: TextOptions): string {
  const { language, isColoured } = options
  const { target, recognition } = report
  const overall = overallOf(report)
  const colour = overall === 'ready' ? 32 : overall === 'open' ? 33 : 31
  const program =
    recognition.mta === null
      ? words.unknownProgram[language]
      : `${mtaNames[recognition.mta]} (“${recognition.by ?? ''}”)`
  const when = new Date(report.startedAtMs).toISOString().replace(/\.\d+Z/, 'Z')
  return [
    paint(isColoured, 1, `${target.host}:${target.port} (${target.addresses.join(', ')})`),
    `${words.checked[language]}: ${when}, ${(report.ms / 1000).toFixed(1)} s, ${target.domains.join(', ')}`,
    `${words.program[language]}: ${program}`,
    countsText(report, language),
    paint(isColoured, colour, overallWords[overall][language]),
    ...(report.isComplete ? [] : [words.stopped[language]]),
    '',
  ].join('\n')
}

function inDetail(outcome: Outcome, report: Report, options: TextOptions): string {
  const { check, finding } = outcome
  const { language, isColoured, width } = options
  const mark = paint(isColoured, colours[finding.kind], marks[finding.kind])
  const kind = `${kindWords[finding.kind][language]}, ${severityWords[severityOf(outcome)][language]}`
  const title = paint(isColoured, 1, check.title[language])
  const subtype = finding.subtype === null ? '' : `, ${finding.subtype}`
  return [
    `${mark} ${check.id}: ${title} [${kind}${subtype}]`,
    ...wrap(finding.summary[language], width, '  '),
    ...wrap(
      `${words.requirement[language]}: ${check.requirement[language]} (${check.source})`,
      width,
      '  ',
    ),
    ...remedyLines(finding, report, options),
    ...factLines(finding, language),
    ...finding.evidence.flatMap((excerpt) => excerptLines(excerpt, report, language)),
    '',
  ].join('\n')
}

function remedyLines(finding: Finding, report: Report, options: TextOptions): readonly string[] {
  if (finding.remedy === null) return []
  const { language, width } = options
  return [
    ...wrap(`${words.remedy[language]}: ${finding.remedy.text[language]}`, width, '  '),
    ...shownSnippets(finding.remedy, report, options, language).flatMap(
      ({ program, where, code }) => [
        ...wrap(`${program}, ${where}:`, width, '    '),
        ...code.split('\n').map((line) => `        ${line}`),
      ],
    ),
  ]
}

function factLines(finding: Finding, language: Language): readonly string[] {
  const facts = Object.entries(finding.facts)
  if (facts.length === 0) return []
  return [`  ${words.facts[language]}:`, ...facts.map(([name, value]) => `      ${name}: ${value}`)]
}

function excerptLines(excerpt: Excerpt, report: Report, language: Language): readonly string[] {
  const transcript = report.transcripts.find(({ id }) => id === excerpt.transcript)
  if (transcript === undefined) return []
  const lines = transcript.lines.slice(excerpt.from, excerpt.to)
  const way = `${transcript.source ?? '-'} → ${transcript.target}:${transcript.port}`
  const tls = transcript.tls === null ? '' : `, ${transcript.tls}`
  const signs = { client: 'C:', server: 'S:', note: '--' }
  const left = lines.length - maxShownLines
  return [
    `  ${words.evidence[language]}: #${transcript.id} ${way}${tls}`,
    ...lines
      .slice(0, maxShownLines)
      .map(
        ({ atMs, from, text }) => `  ${atMs.toFixed(1).padStart(10)} ms  ${signs[from]} ${text}`,
      ),
    ...(left > 0 ? [`                 … +${left}`] : []),
  ]
}

function briefly(report: Report, kind: FindingKind, options: TextOptions): string {
  const found = outcomesOf(report, kind)
  return found
    .map((outcome) => {
      const head = outcomeLine({ ...outcome, ms: 0 }, options)
      const words = wrap(outcome.finding.summary[options.language], options.width, '    ')
      return `${head}\n${words.join('\n')}\n`
    })
    .join('')
}

function profileText(report: Report, { language }: TextOptions): string {
  const measured = Object.entries(report.profile)
  if (measured.length === 0) return ''
  return `${words.profile[language]}: ${measured.map(([key, value]) => `${key}=${value}`).join(' ')}\n`
}

function wrap(words: string, width: number, indent: string): readonly string[] {
  const lines: string[] = []
  let line = ''
  for (const word of words.split(' ')) {
    if (line !== '' && indent.length + line.length + 1 + word.length > width) {
      lines.push(indent + line)
      line = word
    } else line = line === '' ? word : `${line} ${word}`
  }
  return [...lines, indent + line]
}
