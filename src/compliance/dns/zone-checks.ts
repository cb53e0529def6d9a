// Is the zone alive, and can its answers, and those about the relays, be verified?

import { notApplicable, undetermined, type Finding } from '#compliance/check.ts'
import { same, text } from '#compliance/text.ts'
import { bad, good, open, type DnsCheck } from './dns-check.ts'
import type { RelayTlsa } from './zone-facts.ts'
import { isAnswer, recordsOf, replyWords } from './dns-answers.ts'

export const zoneChecks: readonly DnsCheck[] = [
  {
    id: 'domain-alive',
    title: text('Die Domäne ist delegiert', 'The domain is delegated'),
    requirement: text(
      'Die Domäne gibt es, und ihre Nameserver sind für sie zuständig.',
      'The domain exists, and its name servers are authoritative for it.',
    ),
    source: 'RFC 1034 §4.2, RFC 1912 §2.8',
    severity: 'must',
    judge: ({ mx, servers }) => {
      if (mx.kind === 'reply' && mx.rcode === 3) {
        return bad(
          text('Die Domäne gibt es nicht (NXDOMAIN).', 'The domain does not exist (NXDOMAIN).'),
          text(
            'Ist die Registrierung abgelaufen? Fragen Sie den Registrar.',
            'Has the registration expired? Ask the registrar.',
          ),
          { subtype: 'no-domain' },
        )
      }
      const answered = servers.filter(({ soa }) => soa.kind === 'reply')
      const lame = answered.filter(({ soa }) => soa.kind === 'reply' && !soa.isAuthoritative)
      const silent = servers.filter(({ soa }) => soa.kind !== 'reply')
      const words = [...lame, ...silent]
        .map(({ name, soa }) => `${name} (${replyWords(soa, 'SOA')})`)
        .join(', ')
      if (answered.length === 0) {
        return open(
          text(
            'Kein Nameserver der Domäne hat von hier aus geantwortet.',
            'No name server of the domain answered from here.',
          ),
          'no-server',
          'should',
        )
      }
      if (words === '') {
        return good(text(`${servers.length} Nameserver.`, `${servers.length} name servers.`))
      }
      const remedy = text(
        'Diese Nameserver kennen die Zone nicht oder antworten nicht; berichtigen Sie die Delegation.',
        'These name servers do not know the zone or do not answer; correct the delegation.',
      )
      // A server that did not answer from here may know the zone.
      return lame.length === servers.length
        ? bad(same(words), remedy, { subtype: 'lame' })
        : bad(same(words), remedy, { subtype: 'partly-lame', severity: 'should' })
    },
  },
  {
    id: 'dnssec-chain',
    title: text('DNSSEC', 'DNSSEC'),
    requirement: text(
      'Ist die Zone signiert, so hält die Kette der Prüfung stand.',
      'If the zone is signed, its chain can be verified.',
    ),
    source: 'RFC 4035 §4.3, §5.5',
    severity: 'must',
    judge: ({ mx, mxUnchecked, root }) => {
      if (!isAnswer(mx)) {
        // The data is there for those who do not verify, and only for them. A question that was lost says nothing.
        const isServfail = mx.kind === 'reply' && mx.rcode === 2
        return isServfail && mxUnchecked !== null && isAnswer(mxUnchecked)
          ? bad(
              text(
                `Die Kette ist gebrochen: ${replyWords(mx, 'MX')}, ungeprüft dagegen ${replyWords(mxUnchecked, 'MX')}.`,
                `The chain is broken: ${replyWords(mx, 'MX')}, but unverified ${replyWords(mxUnchecked, 'MX')}.`,
              ),
              text(
                'Prüfen Sie DS-Eintrag und Ablauf der Signaturen: Wer prüft, stellt Ihnen keine Mail mehr zu.',
                'Check the DS record and the expiry of the signatures: senders that verify deliver nothing.',
              ),
              { subtype: 'bogus' },
            )
          : open(
              text(
                `Keine Antwort aus dem DNS: ${replyWords(mx, 'MX')}`,
                `No answer from the DNS: ${replyWords(mx, 'MX')}`,
              ),
              'no-answer',
              'info',
            )
      }
      if (mx.kind === 'reply' && mx.isAuthenticated)
        return good(text('Geprüft (AD).', 'Verified (AD).'))
      return root.kind === 'reply' && root.isAuthenticated
        ? bad(
            text('Die Zone ist nicht signiert.', 'The zone is not signed.'),
            text('Signieren Sie die Zone.', 'Sign the zone.'),
            { subtype: 'insecure', severity: 'info' },
          )
        : open(
            text(
              'Nicht signiert, oder der Resolver prüft nicht (--resolver).',
              'Not signed, or the resolver does not verify (--resolver).',
            ),
            'not-verified',
            'info',
          )
    },
  },
  {
    id: 'relay-tlsa',
    title: text('TLSA der Relays', 'TLSA of the relays'),
    requirement: text(
      'TLSA-Einträge der Relays sind geprüft und passen zu den Zertifikaten, die diese vorzeigen; um sie kümmert sich der Betreiber.',
      'TLSA records of the relays are verified, and match the certificates that these show; they are the operator’s duty.',
    ),
    source: 'RFC 7672 §2.2, §3.1',
    severity: 'info',
    judge: ({ relayTlsa }) => {
      const found = relayTlsa.filter(({ reply }) => recordsOf(reply, 'TLSA').length > 0)
      const failed = relayTlsa.filter(({ reply }) => !isAnswer(reply))
      if (failed.length > 0) {
        const words = failed
          .map(({ relay, reply }) => `${relay}: ${replyWords(reply, 'TLSA')}`)
          .join(', ')
        // RFC 7672 §2.1.2: senders with DANE wait then.
        return bad(
          same(words),
          text(
            'Betreiber: Diese Namen müssen antworten, sonst warten Absender mit DANE.',
            'Operator: these names must answer, or senders with DANE wait.',
          ),
          { subtype: 'no-answer' },
        )
      }
      if (found.length === 0) return notApplicable(text('Keine TLSA-Einträge.', 'No TLSA records.'))
      const unverified = found.filter(
        ({ reply }) => reply.kind === 'reply' && !reply.isAuthenticated,
      )
      const without = relayTlsa.filter((each) => !found.includes(each)).map(({ relay }) => relay)
      if (unverified.length === 0 && without.length === 0) return judgeShown(found)
      const names = [...unverified.map(({ relay }) => relay), ...without].join(', ')
      return bad(
        text(`Ohne geprüfte TLSA: ${names}`, `Without verified TLSA: ${names}`),
        text(
          'Betreiber: Signieren Sie die Zone, und veröffentlichen Sie TLSA für jedes Relay.',
          'Operator: sign the zone and publish TLSA for each relay.',
        ),
        { subtype: unverified.length > 0 ? 'not-verified' : 'missing' },
      )
    },
  },
]

/** All relays have verified records: do they fit what is shown? */
function judgeShown(found: readonly RelayTlsa[]): Finding {
  const shown = found.flatMap(({ relay, shown: places }) =>
    (places ?? []).map(({ address, result }) => ({ relay, address, result })),
  )
  const those = (...kinds: readonly (typeof shown)[number]['result']['kind'][]): string =>
    shown
      .filter(({ result }) => kinds.includes(result.kind))
      .map(({ relay, address, result }) => {
        const detail = 'detail' in result ? `: ${result.detail}` : ''
        return `${relay} (${address}${detail})`
      })
      .join(', ')
  const facts = Object.fromEntries(
    found.map(({ relay, reply }) => [relay, replyWords(reply, 'TLSA')]),
  )
  const unfit = those('mismatch', 'no-tls')
  if (unfit !== '') {
    return bad(
      text(`Kein TLSA-Eintrag passt: ${unfit}`, `No TLSA record matches: ${unfit}`),
      text(
        'Betreiber: Absender mit DANE stellen dort nicht zu. Veröffentlichen Sie „3 1 1“ des neuen Schlüssels, bevor Sie ihn einsetzen, und lassen Sie den alten bis zum Wechsel stehen.',
        'Operator: senders with DANE do not deliver there. Publish “3 1 1” of the new key before you use it, and keep the old one until the switch.',
      ),
      { subtype: 'mismatch', facts },
    )
  }
  const unusable = found.filter(({ shown: places }) => places === null)
  if (unusable.length > 0) {
    const names = unusable.map(({ relay }) => relay).join(', ')
    return bad(
      text(`Kein Eintrag, der für SMTP gilt: ${names}`, `No record that counts for SMTP: ${names}`),
      text('Betreiber: Veröffentlichen Sie „3 1 1“.', 'Operator: publish “3 1 1”.'),
      { subtype: 'unusable', facts },
    )
  }
  const away = those('not-reached')
  const matching = those('matches')
  if (away !== '' || matching === '') {
    const words = away === '' ? found.map(({ relay }) => relay).join(', ') : away
    return undetermined(
      text(
        `Geprüft; ob sie passen, war nicht zu sehen: ${words}`,
        `Verified; whether they match could not be seen: ${words}`,
      ),
      { subtype: 'not-reached', facts },
    )
  }
  return good(text(`Passen: ${matching}`, `They match: ${matching}`), facts)
}
