// Do the name servers agree, and where would mail go without MX records?

import { met, notApplicable, undetermined } from '#compliance/check.ts'
import type { Report } from '#compliance/compliance.ts'
import { text } from '#compliance/text.ts'
import { isAnswer, recordsOf, replyWords } from './dns-answers.ts'
import { bad, good, mxRecords, noAnswer, type DnsCheck } from './dns-check.ts'

export const nameServerChecks: readonly DnsCheck[] = [
  {
    id: 'mx-auth-consistent',
    title: text('Alle Nameserver sagen dasselbe', 'All name servers say the same'),
    requirement: text(
      'Alle Nameserver der Zone liefern dieselben MX-Einträge.',
      'All name servers of the zone give the same MX records.',
    ),
    source: 'RFC 1034 §4.3.5',
    severity: 'must',
    judge: ({ servers, askedAtMs, disagreement }) => {
      const table = Object.fromEntries(
        servers.map(({ name, address, mx, soa }) => [
          `${name} (${address})`,
          `${replyWords(mx, 'MX')}; serial ${replyWords(soa, 'SOA')}`,
        ]),
      )
      const answered = servers.filter(({ mx }) => isAnswer(mx))
      if (answered.length === 0)
        return notApplicable(
          text('Kein Nameserver der Zone hat geantwortet.', 'No name server of the zone answered.'),
          { facts: table },
        )
      if (new Set(answered.map(({ mx }) => replyWords(mx, 'MX'))).size === 1) {
        return met(
          text(
            `${answered.length} von ${servers.length} haben geantwortet.`,
            `${answered.length} of ${servers.length} answered.`,
          ),
          { facts: table, subtype: answered.length < servers.length ? 'not-all' : null },
        )
      }
      const remedy = text(
        'Warten Sie die Übertragung der Zone ab, oder prüfen Sie Seriennummer und Transfer.',
        'Wait for the zone to be transferred, or check serial and transfer.',
      )
      const sinceMs = disagreement?.sinceMs ?? null
      const since = sinceMs === null ? '' : new Date(sinceMs).toISOString().slice(0, 16)
      const words =
        sinceMs === null
          ? text('Die Nameserver liefern Unterschiedliches.', 'The name servers disagree.')
          : text(
              `Die Nameserver liefern seit ${since}Z Unterschiedliches.`,
              `The name servers disagree since ${since}Z.`,
            )
      // A zone that was just changed is on its way to them. Only who remembers knows how old it is.
      const isYoung = disagreement !== null && askedAtMs - (sinceMs ?? askedAtMs) < settledAfterMs
      return isYoung
        ? undetermined(words, {
            subtype: disagreeing,
            facts: table,
            remedy: { text: remedy, snippets: [] },
          })
        : bad(words, remedy, { facts: table, subtype: disagreeing })
    },
  },
  {
    id: 'mx-implicit',
    title: text('Adresse der Domäne selbst', 'Address of the domain itself'),
    requirement: text(
      'Ohne MX-Einträge ginge Mail an die Adresse, die die Domäne selbst hat.',
      'Without MX records mail would go to the address that the domain itself has.',
    ),
    source: 'RFC 5321 §5.1',
    severity: 'info',
    judge: (facts) => {
      const records = mxRecords(facts)
      if ('kind' in records) return { ...records, severity: 'info' }
      const addresses = [...recordsOf(facts.a, 'A'), ...recordsOf(facts.aaaa, 'AAAA')]
      const words = addresses.map(({ value }) => value).join(', ')
      if (records.length > 0) {
        return good(
          words === ''
            ? text(
                'Es gibt MX-Einträge, und keine Adresse.',
                'There are MX records, and no address.',
              )
            : text(
                `${words}: bei MX-Einträgen ohne Bedeutung.`,
                `${words}: without meaning beside MX records.`,
              ),
        )
      }
      if (words === '') {
        const unanswered = [facts.a, facts.aaaa].find((reply) => !isAnswer(reply))
        return unanswered === undefined
          ? notApplicable(text('Keine Adresse.', 'No address.'))
          : noAnswer(unanswered, 'info')
      }
      return bad(
        text(`Mail geht an ${words}.`, `Mail goes to ${words}.`),
        text(
          'Tragen Sie die Relays als MX ein; dann gilt die Adresse für Mail nicht mehr.',
          'Enter the relays as MX; then the address no longer counts for mail.',
        ),
      )
    },
  },
]

const disagreeing = 'disagree'
/** Longer is no transfer under way. */
const settledAfterMs = 24 * 3_600_000

/** Since when the name servers disagree, after one more look; `before`: as known until then. */
export function disagreementSince(report: Report, before: number | null): number | null {
  const found = report.outcomes.find(({ check }) => check.id === 'mx-auth-consistent')?.finding
  if (found?.subtype === disagreeing) return before ?? report.startedAtMs
  // One that does not answer may be the one that disagrees.
  return found?.kind === 'met' && found.subtype === null ? null : before
}
