// What the SPF record of a domain means after the switch, and whether it can be evaluated at all.

import { notApplicable, undetermined, type Finding } from '#compliance/check.ts'
import { cleanLine } from '#base/text.ts'
import { same, text } from '#compliance/text.ts'
import { bad, good, noAnswer, type DnsCheck } from './dns-check.ts'
import { isAnswer } from './dns-answers.ts'
import { spfRecords, type SpfCost, type SpfProblem, type SpfTerm } from './spf.ts'
import type { ZoneFacts } from './zone-facts.ts'

/** RFC 7208 §4.6.4. */
const maxLookUpCount = 10
const maxVoidCount = 2

const recordsOfDomain = (facts: ZoneFacts): readonly string[] =>
  spfRecords(facts.txt).map((record) => cleanLine(record, 400))

export const spfChecks: readonly DnsCheck[] = [
  {
    id: 'spf-mx-trap',
    title: text(
      'SPF meint mit „mx“ nicht mehr Ihren Server',
      'SPF “mx” no longer means your server',
    ),
    requirement: text(
      'Weder der SPF-Eintrag der Domäne noch einer, den er einbezieht, meint mit „mx“ die MX der Domäne: Nach der Umstellung sind das die Relays.',
      'Neither the SPF record of the domain nor one that it includes means the MX of the domain by “mx”: after the switch that is the relays.',
    ),
    source: 'RFC 7208 §5.4',
    severity: 'should',
    judge: (facts) => {
      if (!isAnswer(facts.txt)) return noAnswer(facts.txt)
      const [record] = recordsOfDomain(facts)
      if (record === undefined) return notApplicable(text('Kein SPF-Eintrag.', 'No SPF record.'))
      if (facts.spf === null) return severalRecords()
      const trapped = facts.spf.mx.filter(
        ({ target, exchanges }) =>
          target === facts.domain || exchanges.some((name) => facts.relays.includes(name)),
      )
      if (trapped.length > 0) {
        const inner = trapped.filter(({ holder }) => holder !== facts.domain)
        const words = inner.length === trapped.length ? termsText(inner) : record
        return bad(
          same(words),
          text(
            `Ersetzen Sie „mx“ vor der Umstellung durch Ihren Postausgang: a:mail.${facts.domain} oder ip4:…`,
            `Replace “mx” by your outbound host before the switch: a:mail.${facts.domain} or ip4:…`,
          ),
          inner.length === trapped.length ? { subtype: 'included' } : {},
        )
      }
      return isWhole(facts.spf) ? good(same(record)) : notWhole(facts.spf)
    },
  },
  {
    id: 'spf-hint',
    title: text('Genau ein SPF-Eintrag', 'Exactly one SPF record'),
    requirement: text(
      'Es gibt genau einen SPF-Eintrag, der mit -all oder ~all endet und mit allem, was er einbezieht, höchstens 10 Abfragen kostet, höchstens 2 davon ins Leere.',
      'There is exactly one SPF record, ending in -all or ~all, which with all that it includes costs at most 10 look-ups, at most 2 of them void.',
    ),
    source: 'RFC 7208 §3.2, §4.5, §4.6.4',
    severity: 'info',
    judge: (facts) => {
      if (!isAnswer(facts.txt)) return noAnswer(facts.txt)
      const records = recordsOfDomain(facts)
      const [record = ''] = records
      if (facts.spf === null || !/[-~]all$|redirect=/i.test(record)) {
        return bad(
          text(`${records.length} SPF-Einträge`, `${records.length} SPF records`),
          text(
            'Veröffentlichen Sie einen SPF-Eintrag mit Ihrem Postausgang und ~all oder -all.',
            'Publish one SPF record with your outbound hosts and ~all or -all.',
          ),
        )
      }
      return judgeCost(facts.spf, record)
    },
  },
]

function judgeCost(spf: SpfCost, record: string): Finding {
  const { lookUpCount, voids, problems, isCut } = spf
  const count = isCut ? `>= ${lookUpCount}` : String(lookUpCount)
  if (lookUpCount > maxLookUpCount) {
    return bad(
      text(
        `${count} Abfragen mit allem, was einbezogen wird, erlaubt sind 10.`,
        `${count} look-ups with all that is included, 10 are allowed.`,
      ),
      text('Fassen Sie Einträge als ip4: und ip6: zusammen.', 'Replace some by ip4: and ip6:.'),
      { subtype: 'too-many-look-ups' },
    )
  }
  if (problems.length > 0) {
    const [de, en] = [problemsText(problems, 'de'), problemsText(problems, 'en')]
    return bad(
      text(`Jede Prüfung endet mit permerror: ${de}`, `Every evaluation ends in permerror: ${en}`),
      text('Berichtigen oder entfernen Sie diese Verweise.', 'Correct or remove these references.'),
      { subtype: 'permerror' },
    )
  }
  if (voids.length > maxVoidCount) {
    return bad(
      text(
        `${voids.length} Abfragen ins Leere, erlaubt sind 2: ${termsText(voids)}`,
        `${voids.length} void look-ups, 2 are allowed: ${termsText(voids)}`,
      ),
      text('Entfernen Sie Namen, die es nicht gibt.', 'Remove names that do not exist.'),
      { subtype: 'too-many-voids' },
    )
  }
  return isWhole(spf)
    ? good(same(record), { look_ups: count, void: String(voids.length) })
    : notWhole(spf)
}

function isWhole({ unanswered, isCut }: SpfCost): boolean {
  return unanswered.length === 0 && !isCut
}

function notWhole({ unanswered }: SpfCost): Finding {
  const words = unanswered.map((term) => `${termsText([term])} (${term.reason})`).join(', ')
  return undetermined(
    text(
      `Nicht alles, was einbezogen wird, hat geantwortet: ${words}`,
      `Not all that is included has answered: ${words}`,
    ),
    { subtype: 'no-answer', severity: 'info' },
  )
}

function severalRecords(): Finding {
  return undetermined(
    text('Mehrere SPF-Einträge: Keiner gilt.', 'Several SPF records: none counts.'),
    { subtype: 'several', severity: 'info' },
  )
}

const problemWords: Readonly<
  Record<SpfProblem['what'], { readonly de: string; readonly en: string }>
> = {
  'no-record': text('kein SPF-Eintrag', 'no SPF record'),
  'several-records': text('mehrere SPF-Einträge', 'several SPF records'),
  loop: text('führt im Kreis', 'leads in a circle'),
}

function problemsText(problems: readonly SpfProblem[], language: 'de' | 'en'): string {
  return problems
    .map((problem) => `${termsText([problem])} (${problemWords[problem.what][language]})`)
    .join(', ')
}

/** `include:spf.example [inst.example]` */
function termsText(terms: readonly SpfTerm[]): string {
  return terms.map(({ holder, written }) => `${written} [${holder}]`).join(', ')
}
