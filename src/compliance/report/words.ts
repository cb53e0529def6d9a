// The words that all forms of the report share, and how its parts are chosen and ordered.

import type { FindingKind, Severity } from '#compliance/check.ts'
import type { Outcome, Report } from '#compliance/compliance.ts'
import type { Text } from '#compliance/text.ts'
import { text } from '#compliance/text.ts'

export const kindWords: Readonly<Record<FindingKind, Text>> = {
  met: text('erfüllt', 'met'),
  violated: text('verletzt', 'violated'),
  undetermined: text('nicht prüfbar', 'undetermined'),
  'not-applicable': text('nicht anwendbar', 'not applicable'),
}

export const severityWords: Readonly<Record<Severity, Text>> = {
  must: text('muss', 'must'),
  should: text('soll', 'should'),
  info: text('Hinweis', 'info'),
}

type Word =
  | 'checked'
  | 'program'
  | 'unknownProgram'
  | 'requirement'
  | 'remedy'
  | 'evidence'
  | 'facts'
  | 'stopped'
  | 'profile'
  | 'ready'
  | 'notReady'
  | 'open'
  | 'transcript'
  | 'source'
  | 'phase'
  | 'needs'

export const words: Readonly<Record<Word, Text>> = {
  checked: text('Geprüft', 'Checked'),
  program: text('Programm', 'Program'),
  unknownProgram: text('nicht erkannt', 'not recognised'),
  requirement: text('Anforderung', 'Requirement'),
  remedy: text('Abhilfe', 'What to do'),
  evidence: text('Beleg', 'Evidence'),
  facts: text('Einzelheiten', 'Details'),
  stopped: text(
    'Der Lauf wurde vor dem Ende beendet; dies ist, was bis dahin bekannt war.',
    'The run was stopped before its end; this is what was known by then.',
  ),
  profile: text('Gemessen', 'Measured'),
  ready: text(
    'Alle Muss-Anforderungen, die geprüft wurden, sind erfüllt.',
    'All requirements that were checked are met.',
  ),
  notReady: text('Es gibt verletzte Muss-Anforderungen.', 'There are violated requirements.'),
  open: text(
    'Keine Muss-Anforderung ist verletzt, aber nicht alle konnten geprüft werden.',
    'No requirement is violated, but not all could be checked.',
  ),
  transcript: text('Verbindung', 'Connection'),
  source: text('Quelle', 'Source'),
  phase: text('Abschnitt', 'Phase'),
  needs: text('braucht', 'needs'),
}

export type Overall = 'ready' | 'not-ready' | 'open'

/** Less than the check's own severity when this sort of finding is not as bad. */
export function severityOf({ check, finding }: Outcome): Severity {
  return finding.severity ?? check.severity
}

/** What the musts say in all. */
export function overallOf(report: Report): Overall {
  const musts = report.outcomes.filter((each) => severityOf(each) === 'must')
  if (musts.some(({ finding }) => finding.kind === 'violated')) return 'not-ready'
  const isOpen = !report.isComplete || musts.some(({ finding }) => finding.kind === 'undetermined')
  return isOpen ? 'open' : 'ready'
}

export const overallWords: Readonly<Record<Overall, Text>> = {
  ready: words.ready,
  'not-ready': words.notReady,
  open: words.open,
}

const severityOrder: readonly Severity[] = ['must', 'should', 'info']

/** Of one kind, the weightiest first. */
export function outcomesOf(report: Report, kind: FindingKind): readonly Outcome[] {
  return severityOrder.flatMap((severity) =>
    report.outcomes.filter((each) => each.finding.kind === kind && severityOf(each) === severity),
  )
}

/** `3 violated (2 must, 1 should), 31 met, 2 undetermined, 8 not applicable` */
export function countsText(report: Report, language: 'de' | 'en'): string {
  const kinds: readonly FindingKind[] = ['violated', 'undetermined', 'met', 'not-applicable']
  return kinds
    .map((kind) => {
      const found = outcomesOf(report, kind)
      const musts = found.filter((each) => severityOf(each) === 'must').length
      const share =
        kind !== 'met' && kind !== 'not-applicable' && found.length > 0
          ? ` (${musts} ${severityWords.must[language]})`
          : ''
      return `${found.length} ${kindWords[kind][language]}${share}`
    })
    .join(', ')
}
