// A run and what came back to it, as text and as JSON.

import { cleanLine } from '#base/text.ts'
import type { CaughtRun, CaughtToken } from '#catcher/catcher.ts'
import { catalogue, type Check, type Finding, type Language } from '#compliance/compliance.ts'
import { kindWords, severityWords, type Overall } from '#compliance/report/words.ts'
import {
  returnedKind,
  returnedWords,
  returnJudges,
  type ReturnCheckId,
} from '#compliance/returns/judge-returns.ts'

interface JudgedCheck {
  readonly check: Check
  readonly finding: Finding
}

/** Those of the run, judged by what is known now. */
function verdictsOf(run: CaughtRun): readonly JudgedCheck[] {
  return catalogue.flatMap((check) =>
    isReturnCheck(check.id) ? [{ check, finding: returnJudges[check.id](run).finding }] : [],
  )
}

function isReturnCheck(id: string): id is ReturnCheckId {
  return Object.hasOwn(returnJudges, id)
}

export function overallOfReturns(run: CaughtRun): Overall {
  const kinds = verdictsOf(run)
    .filter(({ check, finding }) => (finding.severity ?? check.severity) === 'must')
    .map(({ finding }) => finding.kind)
  if (kinds.includes('violated')) return 'not-ready'
  return kinds.includes('undetermined') ? 'open' : 'ready'
}

/** `2026-10-05 14:03` in UTC. */
export function timeText(ms: number): string {
  return new Date(ms).toISOString().slice(0, 16).replace('T', ' ')
}

export function runText(run: CaughtRun, language: Language): string {
  const isGerman = language === 'de'
  const head = [
    `${run.id}: ${cleanLine(run.server, 200)}`,
    isGerman
      ? `begonnen ${timeText(run.startedAtMs)} UTC, gesammelt bis ${timeText(run.untilMs)} UTC`
      : `begun ${timeText(run.startedAtMs)} UTC, collected until ${timeText(run.untilMs)} UTC`,
  ]
  const verdicts = verdictsOf(run).flatMap(({ check, finding }) => [
    `${check.id}: ${kindWords[finding.kind][language]} (${severityWords[finding.severity ?? check.severity][language]})`,
    `  ${finding.summary[language]}`,
    ...(finding.remedy === null ? [] : [`  → ${finding.remedy.text[language]}`]),
  ])
  const returns = run.tokens.flatMap((token) => returnLines(run, token, language))
  const nothing = isGerman
    ? 'Bisher kam nichts zurück; das beweist nichts.'
    : 'Nothing came back so far; this proves nothing.'
  const list = returns.length === 0 ? [nothing] : returns
  return `${[...head, '', ...verdicts, '', ...list].join('\n')}\n`
}

function returnLines(run: CaughtRun, token: CaughtToken, language: Language): readonly string[] {
  return token.returns.map(({ atMs, client, greeting, returnPath, returned }) => {
    const from = cleanLine(`${client} (${greeting}) <${returnPath}>`, 200)
    const words = returnedWords(run, returned)
    const what = `${returnedKind(returned)[language]}${words === '' ? '' : `: ${words}`}`
    return `${timeText(atMs)}  ${token.check}  ${from}  ${what}`
  })
}

/** With the verdicts; texts in both languages, peers' words cleaned and addresses masked. */
export function runJson(run: CaughtRun): unknown {
  const { id, startedAtMs, untilMs, server, mailbox, confirmedAtMs, missingAtMs } = run
  return {
    run: id,
    server,
    mailbox,
    startedAt: new Date(startedAtMs).toISOString(),
    until: new Date(untilMs).toISOString(),
    confirmedAt: confirmedAtMs === null ? null : new Date(confirmedAtMs).toISOString(),
    missingAt: missingAtMs === null ? null : new Date(missingAtMs).toISOString(),
    overall: overallOfReturns(run),
    verdicts: verdictsOf(run).map(({ check, finding }) => ({
      id: check.id,
      severity: finding.severity ?? check.severity,
      kind: finding.kind,
      subtype: finding.subtype,
      summary: finding.summary,
      facts: finding.facts,
    })),
    senders: run.tokens.map((token) => ({
      token: token.token,
      check: token.check,
      purpose: token.purpose,
      recipient: token.recipient,
      issuedAt: new Date(token.issuedAtMs).toISOString(),
      outcome: token.outcome,
      returns: token.returns.map((each) => ({
        at: new Date(each.atMs).toISOString(),
        client: each.client,
        greeting: cleanLine(each.greeting, 255),
        returnPath: cleanLine(each.returnPath, 255),
        sizeBytes: each.sizeBytes,
        kind: each.returned.kind,
        action: 'action' in each.returned ? each.returned.action : null,
        words: returnedWords(run, each.returned),
      })),
    })),
  }
}
