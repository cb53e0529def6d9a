// What else changes its meaning when the MX records change, and what is good to have.

import { notApplicable } from '#compliance/check.ts'
import { text } from '#compliance/text.ts'
import { bad, good, noAnswer, type DnsCheck } from './dns-check.ts'
import { isAnswer, recordsOf, replyWords, type ZoneFacts } from './zone-facts.ts'
import type { DnsReply } from '#dns/query.ts'
import { cleanLine } from '#base/text.ts'

function startingWith(reply: DnsReply, version: RegExp): readonly string[] {
  return recordsOf(reply, 'TXT')
    .map(({ value }) => cleanLine(value, 400))
    .filter((value) => version.test(value))
}

const spfOf = (facts: ZoneFacts): readonly string[] => startingWith(facts.txt, /^v=spf1(?: |$)/i)

export const hintChecks: readonly DnsCheck[] = [
  {
    id: 'spf-mx-trap',
    title: text(
      'SPF meint mit „mx“ nicht mehr Ihren Server',
      'SPF “mx” no longer means your server',
    ),
    requirement: text(
      'Der SPF-Eintrag der Domäne enthält kein „mx“: Nach der Umstellung sind das die Relays.',
      'The SPF record of the domain has no “mx”: after the switch that is the relays.',
    ),
    source: 'RFC 7208 §5.4',
    severity: 'should',
    judge: (facts) => {
      if (!isAnswer(facts.txt)) return noAnswer(facts.txt)
      const [record] = spfOf(facts)
      if (record === undefined) return notApplicable(text('Kein SPF-Eintrag.', 'No SPF record.'))
      return /\s[+?~-]?mx(?:[:/]\S*)?(?=\s|$)/i.test(record)
        ? bad(
            text(record, record),
            text(
              `Ersetzen Sie „mx“ vor der Umstellung durch Ihren Postausgang: a:mail.${facts.domain} oder ip4:…`,
              `Replace “mx” by your outbound host before the switch: a:mail.${facts.domain} or ip4:…`,
            ),
          )
        : good(text(record, record))
    },
  },
  {
    id: 'spf-hint',
    title: text('Genau ein SPF-Eintrag', 'Exactly one SPF record'),
    requirement: text(
      'Es gibt genau einen SPF-Eintrag, der mit -all oder ~all endet.',
      'There is exactly one SPF record, ending in -all or ~all.',
    ),
    source: 'RFC 7208 §3.2, §4.5',
    severity: 'info',
    judge: (facts) => {
      if (!isAnswer(facts.txt)) return noAnswer(facts.txt)
      const records = spfOf(facts)
      const [record] = records
      return records.length === 1 && record !== undefined && /[-~]all$|redirect=/i.test(record)
        ? good(text(record, record))
        : bad(
            text(`${records.length} SPF-Einträge`, `${records.length} SPF records`),
            text(
              'Veröffentlichen Sie einen SPF-Eintrag mit Ihrem Postausgang und ~all oder -all.',
              'Publish one SPF record with your outbound hosts and ~all or -all.',
            ),
          )
    },
  },
  {
    id: 'dmarc-hint',
    title: text('DMARC ist veröffentlicht', 'DMARC is published'),
    requirement: text('Es gibt einen DMARC-Eintrag.', 'There is a DMARC record.'),
    source: 'RFC 7489 §6.3',
    severity: 'info',
    judge: ({ dmarc }) => {
      const [record] = startingWith(dmarc, /^v=DMARC1/i)
      return record === undefined
        ? bad(
            text('Kein DMARC-Eintrag.', 'No DMARC record.'),
            text(
              'Veröffentlichen Sie _dmarc mit „v=DMARC1; p=none; rua=mailto:…“ und verschärfen Sie später.',
              'Publish _dmarc with “v=DMARC1; p=none; rua=mailto:…” and tighten it later.',
            ),
          )
        : good(text(record, record))
    },
  },
  {
    id: 'mta-sts',
    title: text('MTA-STS nennt die Relays', 'MTA-STS names the relays'),
    requirement: text(
      'Eine MTA-STS-Policy nennt alle Relays, bevor der MX umgestellt wird.',
      'An MTA-STS policy names all relays before the MX is switched.',
    ),
    source: 'RFC 8461 §3',
    severity: 'should',
    judge: ({ mtaSts, domain, relays }) => {
      if (!isAnswer(mtaSts)) return noAnswer(mtaSts)
      const [record] = startingWith(mtaSts, /^v=STSv1/i)
      if (record === undefined) return good(text('Keine Policy.', 'No policy.'))
      const lines = relays.map((relay) => `mx: ${relay}`).join(', ')
      return bad(
        text(
          `Es gibt eine Policy (${record}); ihr Inhalt wird nicht abgerufen.`,
          `There is a policy (${record}); its content is not fetched.`,
        ),
        text(
          `Sehen Sie nach, dass https://mta-sts.${domain}/.well-known/mta-sts.txt vor der Umstellung diese Zeilen hat: ${lines}`,
          `See that https://mta-sts.${domain}/.well-known/mta-sts.txt has these lines before the switch: ${lines}`,
        ),
        { subtype: 'policy-exists' },
      )
    },
  },
  {
    id: 'tlsrpt',
    title: text('TLS-Berichte', 'TLS reports'),
    requirement: text('Es gibt einen TLSRPT-Eintrag.', 'There is a TLSRPT record.'),
    source: 'RFC 8460 §3',
    severity: 'info',
    judge: ({ tlsRpt }) => {
      const [record] = startingWith(tlsRpt, /^v=TLSRPTv1/i)
      return record === undefined
        ? bad(
            text('Kein TLSRPT-Eintrag.', 'No TLSRPT record.'),
            text(
              'Veröffentlichen Sie _smtp._tls mit „v=TLSRPTv1; rua=mailto:…“.',
              'Publish _smtp._tls with “v=TLSRPTv1; rua=mailto:…”.',
            ),
          )
        : good(text(record, record))
    },
  },
  {
    id: 'dnssec-chain',
    title: text('DNSSEC', 'DNSSEC'),
    requirement: text(
      'Die Zone ist signiert, und der Resolver hat die Kette geprüft.',
      'The zone is signed, and the resolver has verified the chain.',
    ),
    source: 'RFC 4035',
    severity: 'info',
    judge: ({ mx }) => {
      if (mx.kind === 'failed' || !isAnswer(mx)) {
        const words = replyWords(mx, 'MX')
        return bad(
          text(`${words}: vielleicht eine gebrochene Kette.`, `${words}: perhaps a broken chain.`),
          text('Prüfen Sie DS und Signaturen der Zone.', 'Check DS and signatures of the zone.'),
          { subtype: 'no-answer' },
        )
      }
      return mx.isAuthenticated
        ? good(text('Geprüft (AD).', 'Verified (AD).'))
        : bad(
            text(
              'Nicht signiert, oder der Resolver prüft nicht.',
              'Not signed, or the resolver does not verify.',
            ),
            text('Signieren Sie die Zone.', 'Sign the zone.'),
            { subtype: 'insecure' },
          )
    },
  },
]
