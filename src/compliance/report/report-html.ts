// The report as one HTML file: nothing is loaded, nothing runs, and it prints well.

import type { FindingKind } from '#compliance/check.ts'
import type { Outcome, Report } from '#compliance/compliance.ts'
import { mtaNames } from '#compliance/mta/recognise.ts'
import { text, type Language, type Text } from '#compliance/text.ts'
import type { Excerpt } from '#compliance/transcript.ts'
import { markup, nothing, type Html } from './html.ts'
import { style } from './html-style.ts'
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

const headings: Readonly<Record<FindingKind, Text>> = {
  violated: text('Zu ändern', 'To be changed'),
  undetermined: text('Nicht prüfbar', 'Could not be determined'),
  met: text('Erfüllt', 'Met'),
  'not-applicable': text('Nicht anwendbar', 'Not applicable'),
}

const marks: Readonly<Record<FindingKind, string>> = {
  violated: '✗',
  undetermined: '?',
  met: '✓',
  'not-applicable': '–',
}

const headlines = {
  title: text('Prüfbericht', 'Report'),
  check: text('Prüfung', 'Check'),
  weight: text('Gewicht', 'Weight'),
  finding: text('Befund', 'Finding'),
  made: text(
    'Erstellt mit pforte check. Adressen Dritter sind unkenntlich gemacht.',
    'Made by pforte check. Addresses of others are masked.',
  ),
}

interface Page extends RemedyNames {
  readonly report: Report
  readonly language: Language
}

/** Lines of one excerpt that are shown; a hostile server is not given more room. */
const maxShownLines = 80

/** A whole document, UTF-8. */
export function reportHtml(report: Report, names: RemedyNames, language: Language): string {
  const page: Page = { report, language, ...names }
  const title = `${headlines.title[language]}: ${report.target.host}:${report.target.port}`
  const document = markup`<html lang="${language}">
    <head>
      <meta charset="utf-8" />
      <meta name="viewport" content="width=device-width, initial-scale=1" />
      <meta name="robots" content="noindex" />
      <meta
        http-equiv="Content-Security-Policy"
        content="default-src 'none'; style-src 'unsafe-inline'"
      />
      <title>${title}</title>
      <style>
        ${{ html: style }}
      </style>
    </head>
    <body>
      ${head(page)}
      <main>
        ${inDetail(page, 'violated')} ${inDetail(page, 'undetermined')} ${inShort(page, 'met')}
        ${inShort(page, 'not-applicable')} ${profile(page)}
      </main>
      <footer class="quiet"><p>${headlines.made[language]}</p></footer>
    </body>
  </html> `
  return `<!doctype html>\n${document.html}`
}

function head({ report, language }: Page): Html {
  const { target, recognition } = report
  const overall = overallOf(report)
  const program =
    recognition.mta === null
      ? words.unknownProgram[language]
      : `${mtaNames[recognition.mta]} (“${recognition.by ?? ''}”)`
  const when = new Date(report.startedAtMs).toISOString().replace(/\.\d+Z/, 'Z')
  const sources = target.sources.length === 0 ? nothing : markup` ← ${target.sources.join(', ')}`
  const stopped = report.isComplete ? nothing : markup`<p>${words.stopped[language]}</p>`
  return markup`<header>
    <h1>${target.host}:${target.port}</h1>
    <p class="overall ${overall}">${overallWords[overall][language]}</p>
    <p>${countsText(report, language)}</p>
    ${stopped}
    <dl>
      <dt>${words.checked[language]}</dt>
      <dd>
        ${when}, ${(report.ms / 1000).toFixed(1)} s; ${target.domains.join(', ')};
        ${target.addresses.join(', ')}${sources}
      </dd>
      <dt>${words.program[language]}</dt>
      <dd>${program}</dd>
    </dl>
  </header>`
}

function inDetail(page: Page, kind: FindingKind): Html {
  const outcomes = outcomesOf(page.report, kind)
  if (outcomes.length === 0) return nothing
  return markup`<section aria-labelledby="${kind}">
    <h2 id="${kind}">${headings[kind][page.language]} (${outcomes.length})</h2>
    ${outcomes.map((each) => article(page, each))}
  </section>`
}

function article(page: Page, outcome: Outcome): Html {
  const { language, report } = page
  const { check, finding } = outcome
  const severity = severityWords[severityOf(outcome)][language]
  const subtype = finding.subtype === null ? nothing : markup` · ${finding.subtype}`
  return markup`<article class="${finding.kind}" id="${check.id}">
    <h3>
      <span aria-hidden="true">${marks[finding.kind]}</span> ${check.title[language]}<span
        class="tag"
        >${kindWords[finding.kind][language]}, ${severity}</span
      >
    </h3>
    <p class="quiet"><code>${check.id}</code>${subtype}</p>
    <p>${finding.summary[language]}</p>
    <p class="quiet">
      ${words.requirement[language]}: ${check.requirement[language]} (${check.source})
    </p>
    ${remedy(page, outcome)} ${definitions(Object.entries(finding.facts))}
    ${finding.evidence.map((each, index) => evidence(each, report, language, index === 0))}
  </article>`
}

function remedy(page: Page, { finding }: Outcome): Html {
  if (finding.remedy === null) return nothing
  const { language, report } = page
  const shown = shownSnippets(finding.remedy, report, page, language)
  return markup`<div class="remedy">
    <p><strong>${words.remedy[language]}:</strong> ${finding.remedy.text[language]}</p>
    ${shown.map(
      ({ program, where, code }) =>
        markup`<p><strong>${program}</strong>, ${where}:</p>
          <pre>${code}</pre> `,
    )}
  </div>`
}

function definitions(entries: readonly (readonly [name: string, value: unknown])[]): Html {
  if (entries.length === 0) return nothing
  return markup`<dl class="quiet">
    ${entries.map(
      ([name, value]) =>
        markup`<dt>${name}</dt>
          <dd>${String(value)}</dd>`,
    )}
  </dl>`
}

function evidence(excerpt: Excerpt, report: Report, language: Language, isOpen: boolean): Html {
  const transcript = report.transcripts.find(({ id }) => id === excerpt.transcript)
  if (transcript === undefined) return nothing
  const lines = transcript.lines.slice(excerpt.from, excerpt.to)
  const left = lines.length - maxShownLines
  const way = `${transcript.source ?? '–'} → ${transcript.target}:${transcript.port}`
  const signs = { client: 'C:', server: 'S:', note: '--' }
  return markup`<details${{ html: isOpen ? ' open' : '' }}>
<summary>${words.evidence[language]}: #${transcript.id} ${way}${transcript.tls === null ? '' : `, ${transcript.tls}`}</summary>
<ol class="lines">${lines.slice(0, maxShownLines).map(
    ({ atMs, from, text: said }) =>
      markup`<li class="${from}">
          <span class="time">${atMs.toFixed(1)} ms</span><span>${signs[from]}</span
          ><span>${said}</span>
        </li> `,
  )}</ol>${left > 0 ? markup`<p class="quiet">… +${left}</p>` : nothing}
</details>`
}

function inShort({ report, language }: Page, kind: FindingKind): Html {
  const outcomes = outcomesOf(report, kind)
  if (outcomes.length === 0) return nothing
  const rows = outcomes.map(
    (each) =>
      markup`<tr>
        <th scope="row">
          <span aria-hidden="true">${marks[kind]}</span> ${each.check.title[language]}<br /><code
            class="quiet"
            >${each.check.id}</code
          >
        </th>
        <td>${severityWords[severityOf(each)][language]}</td>
        <td>${each.finding.summary[language]}</td>
      </tr> `,
  )
  const columns = [headlines.check, headlines.weight, headlines.finding]
  return markup`<section aria-labelledby="${kind}">
    <h2 id="${kind}">${headings[kind][language]} (${outcomes.length})</h2>
    <table>
      <thead>
        <tr>
          ${columns.map((each) => markup`<th scope="col">${each[language]}</th>`)}
        </tr>
      </thead>
      <tbody>
        ${rows}
      </tbody>
    </table>
  </section>`
}

function profile({ report, language }: Page): Html {
  const measured = Object.entries(report.profile)
  if (measured.length === 0) return nothing
  return markup`<section aria-labelledby="profile">
    <h2 id="profile">${words.profile[language]}</h2>
    ${definitions(measured)}
  </section>`
}
