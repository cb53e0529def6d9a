// MX records beside those of the relays: whose are they, and what do senders meet there?

import { notApplicable } from '#compliance/check.ts'
import { text } from '#compliance/text.ts'
import { bad, good, open, type DnsCheck } from './dns-check.ts'
import { names, ofSet, others, ours } from './mx-checks.ts'

const onlyRelays = text('Nur die Relays sind MX.', 'Only the relays are MX.')

export const ownMxChecks: readonly DnsCheck[] = [
  {
    id: 'mx-no-foreign',
    title: text('Kein fremder MX', 'No foreign MX'),
    requirement: text(
      'Außer den Relays und eigenen Servern nimmt niemand Mail der Domäne an.',
      'Nobody but the relays and your own servers takes mail of the domain.',
    ),
    source: 'service step (4)',
    severity: 'must',
    judge: ofSet((records, facts) => {
      const found = others(records, facts)
      if (found.length === 0) return good(onlyRelays)
      // Only the zone's owner knows whether a host of another name is theirs.
      const site = facts.domain.split('.').slice(-2).join('.')
      const foreign = found.filter(({ value }) => value !== site && !value.endsWith(`.${site}`))
      return foreign.length === 0
        ? good(text(names(found), names(found)))
        : open(
            text(
              `Ist das Ihr eigener Server: ${names(foreign)}?`,
              `Is that a server of your own: ${names(foreign)}?`,
            ),
            'foreign-name',
            'should',
            text(
              'Wenn nicht, entfernen Sie den Eintrag: Dort kommt Mail an den Relays vorbei.',
              'If not, remove the record: mail passes the relays by there.',
            ),
          )
    }),
  },
  {
    id: 'mx-own-reachable',
    title: text('Eigener MX ist von außen offen', 'An own MX is open from outside'),
    requirement: text(
      'Ein eigener MX ist von außen auf Port 25 zu erreichen; sonst warten Absender auf ihn.',
      'An MX of your own can be reached from outside on port 25; senders would wait for it.',
    ),
    source: 'service sentence (2)',
    severity: 'should',
    judge: ofSet((records, facts) => {
      const found = others(records, facts).map(({ value }) => value)
      if (found.length === 0) return notApplicable(onlyRelays)
      const tried = facts.exchanges.filter(
        ({ exchange, smtp }) => found.includes(exchange) && smtp !== null,
      )
      if (tried.length === 0) {
        return open(
          text(
            'Von hier aus nicht zu sehen: mit --outside von einem Rechner im Internet prüfen.',
            'Not to be seen from here: use --outside on a machine in the Internet.',
          ),
          'needs-outside',
          'info',
        )
      }
      const those = (kind: 'closed' | 'unknown'): readonly string[] =>
        tried.flatMap(({ exchange, smtp }) =>
          smtp !== null && smtp !== 'open' && smtp.kind === kind
            ? [`${exchange} (${smtp.reason})`]
            : [],
        )
      const [closed, unknown] = [those('closed'), those('unknown')]
      if (closed.length > 0) {
        return bad(
          text(`Von außen zu: ${closed.join(', ')}`, `Closed from outside: ${closed.join(', ')}`),
          text(
            'Entfernen Sie diesen MX: Absender versuchen ihn und warten.',
            'Remove this MX: senders try it and wait.',
          ),
        )
      }
      return unknown.length === 0
        ? good(text('Port 25 ist offen.', 'Port 25 is open.'))
        : open(
            text(
              `Nicht herauszufinden: ${unknown.join(', ')}`,
              `Not found out: ${unknown.join(', ')}`,
            ),
            'no-answer',
            'should',
          )
    }),
  },
  {
    id: 'mx-listed-only',
    title: text('Was auf die Relays zeigt, wird betreut', 'What points to the relays is served'),
    requirement: text(
      'Die Domäne zeigt genau dann auf die Relays, wenn die Relays sie betreuen.',
      'The domain points to the relays if and only if the relays serve it.',
    ),
    source: 'service step (3)',
    severity: 'must',
    judge: ofSet((records, facts) => {
      const { isServed, relays } = facts
      if (isServed === null) {
        return notApplicable(
          text(
            'Nicht geprüft: Dazu braucht es das Verzeichnis des Relays (--config).',
            'Not checked: the registry of the relay is needed (--config).',
          ),
        )
      }
      const doesPoint = ours(records, facts).length > 0
      if (doesPoint === isServed) {
        return good(
          isServed
            ? text('Betreut, und zeigt auf die Relays.', 'Served, and points to the relays.')
            : text(
                'Weder betreut noch auf die Relays gerichtet.',
                'Neither served nor pointing here.',
              ),
        )
      }
      return isServed
        ? bad(
            text(
              'Betreut, zeigt aber nicht auf die Relays.',
              'Served, but does not point to the relays.',
            ),
            text(
              `Tragen Sie ${relays.join(' und ')} als MX ein, oder lassen Sie die Domäne austragen.`,
              `Enter ${relays.join(' and ')} as MX, or have the domain removed.`,
            ),
            { subtype: 'not-pointing', severity: 'should' },
          )
        : bad(
            text(
              'Zeigt auf die Relays, wird aber nicht betreut: Ihre Mail wird abgewiesen.',
              'Points to the relays, but is not served: its mail is refused.',
            ),
            text(
              'Lassen Sie die Domäne vom Betreiber eintragen, bevor der MX auf die Relays zeigt.',
              'Have the operator add the domain before its MX points to the relays.',
            ),
            { subtype: 'unsolicited-domain' },
          )
    }),
  },
]
