// Do the MX records lead all mail to the relays, and nowhere else?

import { notApplicable, type Finding } from '#compliance/check.ts'
import type { DnsRecord } from '#dns/query.ts'
import { text } from '#compliance/text.ts'
import { bad, good, mxRecords, open, shown, type DnsCheck } from './dns-check.ts'
import { isPublicIpv4 } from './public-address.ts'
import { isAnswer, recordsOf, replyWords } from './dns-answers.ts'
import type { ZoneFacts } from './zone-facts.ts'

/** Judges the MX set; without one there is nothing to say. */
export function ofSet(
  judge: (records: readonly DnsRecord[], facts: ZoneFacts) => Finding,
): DnsCheck['judge'] {
  return (facts) => {
    const records = mxRecords(facts)
    if ('kind' in records) return records
    return records.length === 0
      ? notApplicable(text('Es gibt keine MX-Einträge.', 'There are no MX records.'))
      : judge(records, facts)
  }
}

export const others = (
  records: readonly DnsRecord[],
  { relays }: ZoneFacts,
): readonly DnsRecord[] => records.filter(({ value }) => !relays.includes(value))
export const ours = (records: readonly DnsRecord[], { relays }: ZoneFacts): readonly DnsRecord[] =>
  records.filter(({ value }) => relays.includes(value))
export const names = (records: readonly DnsRecord[]): string =>
  records.map(({ preference, value }) => `${preference} ${value}`).join(', ')

export const mxChecks: readonly DnsCheck[] = [
  {
    id: 'mx-present',
    title: text('Es gibt MX-Einträge', 'There are MX records'),
    requirement: text('Die Domäne hat MX-Einträge.', 'The domain has MX records.'),
    source: 'RFC 5321 §5.1',
    severity: 'must',
    judge: (facts) => {
      const records = mxRecords(facts)
      if ('kind' in records) return records
      return records.length > 0
        ? good(text(names(records), names(records)), shown(facts.mx, 'MX'))
        : bad(
            text('MX-Einträge fehlen.', 'No MX records.'),
            text('Tragen Sie die Relays als MX ein.', 'Enter the relays as MX.'),
            { facts: shown(facts.mx, 'MX') },
          )
    },
  },
  {
    id: 'mx-both-relays',
    title: text('Alle Relays sind MX', 'All relays are MX'),
    requirement: text(
      'Alle Relays stehen in den MX-Einträgen.',
      'All relays are in the MX records.',
    ),
    source: 'service step (4)',
    severity: 'must',
    judge: ofSet((records, facts) => {
      const missing = facts.relays.filter((relay) => !records.some(({ value }) => value === relay))
      return missing.length === 0
        ? good(text('Alle Relays sind eingetragen.', 'All relays are there.'))
        : bad(
            text(`Es fehlt: ${missing.join(', ')}`, `Missing: ${missing.join(', ')}`),
            text(
              `Tragen Sie ${missing.join(' und ')} als MX ein.`,
              `Enter ${missing.join(' and ')} as MX.`,
            ),
            { facts: shown(facts.mx, 'MX') },
          )
    }),
  },
  {
    id: 'mx-equal-preference',
    title: text('Gleiche Priorität der Relays', 'Equal preference of the relays'),
    requirement: text(
      'Alle Relays haben dieselbe Priorität.',
      'All relays have the same preference.',
    ),
    source: 'service step (4)',
    severity: 'must',
    judge: ofSet((records, facts) => {
      const found = ours(records, facts)
      if (found.length === 0)
        return notApplicable(text('Kein Relay ist eingetragen.', 'No relay is there.'))
      return new Set(found.map(({ preference }) => preference)).size === 1
        ? good(text(names(found), names(found)))
        : bad(
            text(names(found), names(found)),
            text(
              'Geben Sie allen Relays dieselbe Priorität.',
              'Give all relays the same preference.',
            ),
          )
    }),
  },
  {
    id: 'mx-relays-lowest',
    title: text('Kein anderer MX vor den Relays', 'No other MX before the relays'),
    requirement: text(
      'Kein anderer MX ist gleich oder höher priorisiert (kleinere Zahl) als die Relays.',
      'No other MX has the same or a better preference (a smaller number) than the relays.',
    ),
    source: 'service step (4)',
    severity: 'must',
    judge: ofSet((records, facts) => {
      const best = Math.min(...ours(records, facts).map(({ preference }) => preference))
      const before = others(records, facts).filter(({ preference }) => preference <= best)
      return before.length === 0
        ? good(text('Die Relays stehen zuerst.', 'The relays come first.'))
        : bad(
            text(
              `Vor oder neben den Relays: ${names(before)}`,
              `Before or beside the relays: ${names(before)}`,
            ),
            text(
              'Diese MX-Einträge nehmen Mail an den Relays vorbei an. Entfernen Sie sie.',
              'These MX records take mail past the relays. Remove them.',
            ),
            { facts: shown(facts.mx, 'MX') },
          )
    }),
  },
  {
    id: 'mx-own-backup',
    title: text('Kein eigener MX neben den Relays', 'No MX of your own beside the relays'),
    requirement: text(
      'Außer den Relays ist niemand MX; ein eigener verzögert Mail.',
      'Nobody but the relays is MX; an own one delays mail.',
    ),
    source: 'service sentence (2)',
    severity: 'should',
    judge: ofSet((records, facts) => {
      const found = others(records, facts)
      return found.length === 0
        ? good(text('Nur die Relays.', 'Only the relays.'))
        : bad(
            text(names(found), names(found)),
            text(
              'Entfernen Sie den eigenen MX, wenn Sie können: Er ist von außen meist gesperrt, und Absender warten darauf.',
              'Remove your own MX if you can: it is usually blocked from outside, and senders wait for it.',
            ),
          )
    }),
  },
  {
    id: 'mx-own-public-ipv4',
    title: text('Eigener MX mit öffentlicher IPv4-Adresse', 'Own MX with a public IPv4 address'),
    requirement: text(
      'Ein eigener MX hat eine öffentliche IPv4-Adresse.',
      'An MX of your own has a public IPv4 address.',
    ),
    source: 'service sentence (2)',
    severity: 'must',
    judge: ofSet((records, facts) => {
      const found = others(records, facts)
      if (found.length === 0)
        return notApplicable(text('Nur die Relays sind MX.', 'Only the relays are MX.'))
      const isWithout = ({ value }: DnsRecord): boolean | null => {
        if (value === '') return true
        const a = facts.exchanges.find((each) => each.exchange === value)?.a
        if (a === undefined || !isAnswer(a)) return null
        return !recordsOf(a, 'A').some((record) => isPublicIpv4(record.value))
      }
      const without = found.filter((record) => isWithout(record) === true)
      const unknown = found.filter((record) => isWithout(record) === null)
      if (without.length === 0 && unknown.length > 0) {
        return open(
          text(
            `Keine Antwort auf die Frage nach der IPv4-Adresse: ${names(unknown)}`,
            `No answer to the question for the IPv4 address: ${names(unknown)}`,
          ),
          'no-answer',
          'must',
        )
      }
      return without.length === 0
        ? good(text(names(found), names(found)))
        : bad(
            text(
              `Ohne öffentliche IPv4-Adresse: ${names(without)}`,
              `Without a public IPv4 address: ${names(without)}`,
            ),
            text(
              'Entfernen Sie diesen MX, oder geben Sie ihm eine öffentliche IPv4-Adresse.',
              'Remove this MX, or give it a public IPv4 address.',
            ),
          )
    }),
  },
  {
    id: 'mx-not-cname',
    title: text('MX zeigt auf keinen Alias', 'MX does not point to an alias'),
    requirement: text(
      'Weder die Domäne noch ein MX-Ziel ist ein CNAME.',
      'Neither the domain nor an MX target is a CNAME.',
    ),
    source: 'RFC 2181 §10.3, RFC 5321 §5.1',
    severity: 'must',
    judge: ofSet((_records, facts) => {
      const aliases = facts.exchanges
        .filter(({ a, aaaa }) => recordsOf(a, 'CNAME').length + recordsOf(aaaa, 'CNAME').length > 0)
        .map(({ exchange }) => exchange)
      const found = recordsOf(facts.mx, 'CNAME').length > 0 ? [facts.domain, ...aliases] : aliases
      return found.length === 0
        ? good(text('Keine Aliasnamen.', 'No aliases.'))
        : bad(
            text(`Alias: ${found.join(', ')}`, `Alias: ${found.join(', ')}`),
            text(
              'Ein MX darf nicht auf einen CNAME zeigen; tragen Sie den wirklichen Namen ein.',
              'MX must not be an alias; enter the real name.',
            ),
          )
    }),
  },
  {
    id: 'mx-target-typo',
    title: text('MX-Ziele sind Namen, die es gibt', 'MX targets are names that exist'),
    requirement: text(
      'Jedes MX-Ziel ist ein Hostname mit Adresse.',
      'Each MX target is a host name with an address.',
    ),
    source: 'RFC 5321 §5.1, RFC 1035 §3.3.9',
    severity: 'must',
    judge: ofSet((records, facts) => {
      const targets = records.filter(({ value }) => value !== '')
      const dotless = targets.filter(({ value }) =>
        facts.relays.some((relay) => value === `${relay}.${facts.domain}`),
      )
      if (dotless.length > 0) {
        return bad(
          text(names(dotless), names(dotless)),
          text(
            'Im MX-Eintrag fehlt der Punkt am Ende des Namens.',
            'The final dot of the name is missing in the MX record.',
          ),
          { subtype: 'missing-dot' },
        )
      }
      const literal = targets.filter(({ value }) => /^[\d.]+$/.test(value))
      if (literal.length > 0)
        return bad(
          text(names(literal), names(literal)),
          text(
            'Ein MX-Ziel ist ein Name, keine Adresse.',
            'An MX target is a name, not an address.',
          ),
          { subtype: 'address' },
        )
      const dead = facts.exchanges
        .filter(
          ({ a, aaaa }) =>
            isAnswer(a) &&
            isAnswer(aaaa) &&
            recordsOf(a, 'A').length + recordsOf(aaaa, 'AAAA').length === 0,
        )
        .map(({ exchange }) => exchange)
      return dead.length === 0
        ? good(text('Alle haben Adressen.', 'All have addresses.'))
        : bad(
            text(`Ohne Adresse: ${dead.join(', ')}`, `Without an address: ${dead.join(', ')}`),
            text('Prüfen Sie die Schreibung.', 'Check the spelling.'),
            { subtype: 'no-address' },
          )
    }),
  },
  {
    id: 'mx-null',
    title: text('Kein Null-MX', 'No null MX'),
    requirement: text('Es gibt keinen Null-MX („0 .“).', 'There is no null MX (“0 .”).'),
    source: 'RFC 7505 §3',
    severity: 'must',
    judge: ofSet((records) =>
      records.every(({ value }) => value !== '')
        ? good(text('Keiner.', 'None.'))
        : bad(
            text(
              '„0 .“ sagt, dass die Domäne keine Mail annimmt.',
              '“0 .” says that the domain takes no mail.',
            ),
            text('Entfernen Sie den Null-MX.', 'Remove the null MX.'),
          ),
    ),
  },
  {
    id: 'mx-ttl',
    title: text('Lebensdauer der MX-Einträge', 'Time to live of the MX records'),
    requirement: text(
      'Die TTL liegt zwischen 1 Stunde und 1 Tag; vor der Umstellung darf sie kürzer sein.',
      'The TTL is between 1 hour and 1 day; before the switch it may be shorter.',
    ),
    source: 'service sentence (2)',
    severity: 'should',
    judge: ofSet((_records, { servers }) => {
      const ttls = servers.flatMap(({ mx }) =>
        recordsOf(mx, 'MX').map(({ ttlSeconds }) => ttlSeconds),
      )
      const ttl = Math.min(...ttls)
      if (ttls.length === 0)
        return notApplicable(
          text('Kein Nameserver der Zone hat geantwortet.', 'No name server of the zone answered.'),
        )
      return ttl >= 3600 && ttl <= 86_400
        ? good(text(`${ttl} s`, `${ttl} s`))
        : bad(
            text(`${ttl} s`, `${ttl} s`),
            text(
              'Vor der Umstellung 300 s, danach 86400 s.',
              '300 s before the switch, 86400 s after.',
            ),
            { severity: 'info' },
          )
    }),
  },
  {
    id: 'mx-wildcard',
    title: text('Kein MX für beliebige Unterdomänen', 'No MX for arbitrary subdomains'),
    requirement: text(
      'Namen unter der Domäne haben keinen Wildcard-MX.',
      'Names below the domain have no wildcard MX.',
    ),
    source: 'RFC 4592',
    severity: 'should',
    judge: ({ wildcard }) =>
      recordsOf(wildcard, 'MX').length === 0
        ? good(text('Keiner.', 'None.'))
        : bad(
            text(replyWords(wildcard, 'MX'), replyWords(wildcard, 'MX')),
            text(
              'Entfernen Sie den Wildcard-MX: Die Relays kennen nur die genannten Domänen.',
              'Remove the wildcard MX: the relays know only the domains that were named.',
            ),
          ),
  },
]
