// The report for programs: everything that is known, texts in both languages.

import type { Report } from '#compliance/compliance.ts'
import { shownSnippets, type RemedyNames } from './remedies.ts'
import { overallOf, severityOf } from './words.ts'

/** A value for JSON.stringify. Excerpts point into `transcripts` by id and line, the last one excluded. */
export function reportJson(report: Report, names: RemedyNames): unknown {
  const { target } = report
  return {
    format: 'pforte-check-1',
    overall: overallOf(report),
    isComplete: report.isComplete,
    startedAt: new Date(report.startedAtMs).toISOString(),
    ms: Math.round(report.ms),
    target: {
      host: target.host,
      port: target.port,
      addresses: target.addresses,
      domains: target.domains,
      sources: target.sources,
    },
    program: report.recognition,
    profile: report.profile,
    findings: report.outcomes.map((outcome) => {
      const { check, finding, ms } = outcome
      return {
        id: check.id,
        title: check.title,
        requirement: check.requirement,
        source: check.source,
        severity: severityOf(outcome),
        phase: check.phase,
        verdict: finding.kind,
        subtype: finding.subtype,
        summary: finding.summary,
        remedy:
          finding.remedy === null
            ? null
            : {
                text: finding.remedy.text,
                snippets: shownSnippets(finding.remedy, report, names, 'en'),
              },
        facts: finding.facts,
        measured: finding.measured,
        evidence: finding.evidence,
        ms: Math.round(ms),
      }
    }),
    transcripts: report.transcripts.map(
      ({ id, source, target: to, port, startedAtMs, tls, lines }) => ({
        id,
        source,
        target: to,
        port,
        startedAt: new Date(startedAtMs).toISOString(),
        tls,
        lines,
      }),
    ),
  }
}
