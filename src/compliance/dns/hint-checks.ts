// What else changes its meaning when the MX records change, and what is good to have.

import { text } from '#compliance/text.ts'
import { bad, good, noAnswer, type DnsCheck } from './dns-check.ts'
import { isAnswer, recordsOf } from './dns-answers.ts'
import type { DnsReply } from '#dns/query.ts'
import { cleanLine } from '#base/text.ts'

export function startingWith(reply: DnsReply, version: RegExp): readonly string[] {
  return recordsOf(reply, 'TXT')
    .map(({ value }) => cleanLine(value, 400))
    .filter((value) => version.test(value))
}

export const hintChecks: readonly DnsCheck[] = [
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
    id: 'dkim-hint',
    title: text('DKIM-Schlüssel sind veröffentlicht', 'DKIM keys are published'),
    requirement: text(
      'Unter _domainkey gibt es Namen; welche, sagt das DNS nicht.',
      'There are names below _domainkey; the DNS does not say which.',
    ),
    source: 'RFC 6376 §3.6.2, RFC 8020',
    severity: 'info',
    judge: ({ domainKey }) => {
      if (!isAnswer(domainKey)) return noAnswer(domainKey)
      return domainKey.kind === 'reply' && domainKey.rcode === 3
        ? bad(
            text('Unter _domainkey gibt es nichts.', 'There is nothing below _domainkey.'),
            text(
              'Lassen Sie den Postausgang signieren und veröffentlichen Sie seinen Schlüssel.',
              'Have outgoing mail signed, and publish the key.',
            ),
          )
        : good(text('Es gibt Namen darunter.', 'There are names below it.'))
    },
  },
  {
    id: 'caa-hint',
    title: text('Wer Zertifikate ausstellen darf', 'Who may issue certificates'),
    requirement: text(
      'CAA erlaubt die Zertifizierungsstelle, die in Gebrauch ist.',
      'CAA permits the authority that is in use.',
    ),
    source: 'RFC 8659',
    severity: 'info',
    judge: ({ caa }) => {
      if (!isAnswer(caa)) return noAnswer(caa)
      const records = recordsOf(caa, 'CAA').map(({ value }) => cleanLine(value, 100))
      const words = records.join('; ')
      return records.length === 0
        ? good(text('Keine Einschränkung.', 'No restriction.'))
        : good(text(words, words), { CAA: words })
    },
  },
]
