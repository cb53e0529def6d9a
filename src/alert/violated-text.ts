// The alert that a server does not meet a requirement any more that it has met.

import type { RequirementViolated } from './alert.ts'
import { shown, timeText, wrap, type BothLanguages } from './words.ts'

/** Checks named in a mail: more is the same fault. */
const maxListedCount = 20

export function violatedInGerman(
  violated: RequirementViolated,
  hostname: string,
): readonly string[] {
  const { watch, domain, server, atMs } = violated
  const who =
    watch === 'zone'
      ? `Das DNS der Domäne ${domain}`
      : `Der Server ${shown(server)} der Domäne ${domain}`
  const seen =
    watch === 'mail'
      ? `hat es an wirklichen E-Mails gesehen, zuletzt ${timeText(atMs)}. Solange es dabei bleibt, folgt keine weitere Meldung.`
      : `hat es zweimal nacheinander gesehen, zuletzt ${timeText(atMs)}.`
  return [
    ...wrap(`${who} erfüllt nicht mehr alle Anforderungen. Das Relay ${hostname} ${seen}`),
    '',
    ...list(violated, 'de'),
    ...wrap(
      'Das Relay nimmt weiter E-Mails an und hat nichts geändert. Was der Server später ablehnt, bleibt auf ' +
        'dem Relay in Verwahrung; nichts geht an den Absender zurück.',
    ),
    '',
    'Als Betreiberin oder Betreiber des Servers oder der Zone:',
    ...wrap('- Was ist seit der letzten Prüfung geändert worden?', '  '),
    ...wrap('- Bitten Sie den Betrieb des Relays um einen vollständigen Prüfbericht.', '  '),
    '',
    'Als Betrieb des Relays (eine Antwort auf diese E-Mail geht dorthin):',
    ...commands(violated),
  ]
}

export function violatedInEnglish(
  violated: RequirementViolated,
  hostname: string,
): readonly string[] {
  const { watch, domain, server, atMs } = violated
  const who =
    watch === 'zone'
      ? `The DNS of the domain ${domain}`
      : `The server ${shown(server)} of the domain ${domain}`
  const seen =
    watch === 'mail'
      ? `has seen it of real mail, last ${timeText(atMs)}. While it stays so, nothing more is told.`
      : `has seen it twice in a row, last ${timeText(atMs)}.`
  return [
    ...wrap(`${who} does not meet all requirements any more. The relay ${hostname} ${seen}`),
    '',
    ...list(violated, 'en'),
    ...wrap(
      'The relay goes on taking mail and has changed nothing. What the server refuses later is held on the ' +
        'relay; nothing is returned to its sender.',
    ),
    '',
    'If you run the server or the zone:',
    ...wrap('- What has been changed since it was examined?', '  '),
    ...wrap('- Ask the operator of the relay for a full report.', '  '),
    '',
    'If you run the relay (a reply to this mail goes there):',
    ...commands(violated),
  ]
}

function list({ violated }: RequirementViolated, language: keyof BothLanguages): readonly string[] {
  return [
    ...violated
      .slice(0, maxListedCount)
      .flatMap(({ check, title, summary }) => [
        ...wrap(`- ${shown(title[language])} (${shown(check)}):`, '  '),
        ...wrap(shown(summary[language])).map((line) => `  ${line}`),
      ]),
    ...(violated.length > maxListedCount ? ['- ...'] : []),
    '',
  ]
}

function commands({
  watch,
  domain,
  violated: [{ check }],
}: RequirementViolated): readonly string[] {
  return [
    `  pforte domain profile ${domain}`,
    ...(watch === 'mail' ? [] : [`  pforte domain recheck ${domain}`]),
    ...(watch !== 'zone' ? [`  pforte check --explain ${shown(check)}`] : []),
  ]
}
