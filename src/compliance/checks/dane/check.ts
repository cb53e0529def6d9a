// A TLSA record that does not fit stops the mail of all who check it.

import { sharedHandshake } from '#compliance/certificates.ts'
import { met, notApplicable, undetermined, violated, type Check } from '#compliance/check.ts'
import { isUsable, matchesTlsa, parseTlsa } from '#compliance/dane.ts'
import { text } from '#compliance/text.ts'

export const dane: Check = {
  id: 'dane',
  title: text('TLSA passt zum Zertifikat (DANE)', 'TLSA matches the certificate (DANE)'),
  requirement: text(
    'Gibt es einen gesicherten TLSA-Eintrag, so passt er zum Zertifikat des Servers.',
    'If there is a secure TLSA record, it matches the server’s certificate.',
  ),
  source: 'RFC 7672',
  severity: 'should',
  phase: 'connect',
  needs: ['starttls'],
  run: async (context) => {
    const answer = await context.tlsa()
    if (answer.kind === 'failed') {
      return undetermined(
        text(
          `Keine Antwort aus dem DNS: ${answer.detail}`,
          `No answer from the DNS: ${answer.detail}`,
        ),
        { subtype: 'no-answer' },
      )
    }
    if (answer.kind !== 'secure') {
      return notApplicable(
        answer.kind === 'none'
          ? text('Es gibt keinen TLSA-Eintrag.', 'There is no TLSA record.')
          : text(
              'Der TLSA-Eintrag ist nicht durch DNSSEC gesichert, oder der Resolver prüft nicht.',
              'The TLSA record is not secured by DNSSEC, or the resolver does not verify.',
            ),
        { subtype: answer.kind },
      )
    }
    const handshake = await sharedHandshake(context)
    if ('kind' in handshake) return handshake
    const records = answer.records.flatMap((hex) => parseTlsa(hex) ?? [])
    const usable = records.filter(isUsable)
    const facts = {
      ...handshake.shown,
      tlsa: records
        .map((each) => `${each.usage} ${each.selector} ${each.matching} ${each.data.slice(0, 128)}`)
        .join(', '),
    }
    const evidence = [handshake.seen]
    if (usable.length === 0) {
      return notApplicable(
        text('Kein TLSA-Eintrag, der für SMTP gilt.', 'No TLSA record that counts for SMTP.'),
        { subtype: 'unusable', facts },
      )
    }
    if (usable.some((each) => matchesTlsa(each, handshake.facts.chain))) {
      return met(text('Ein TLSA-Eintrag passt.', 'A TLSA record matches.'), { evidence, facts })
    }
    return violated(
      text('Kein TLSA-Eintrag passt zum Zertifikat.', 'No TLSA record matches the certificate.'),
      {
        subtype: 'mismatch',
        evidence,
        facts,
        remedy: {
          text: text(
            'TLSA passt nicht zum Zertifikat; Absender mit DANE stellen nicht zu. Veröffentlichen Sie „3 1 1“ des neuen Schlüssels, bevor Sie ihn einsetzen, und lassen Sie den alten bis zum Wechsel stehen.',
            'TLSA does not match; senders with DANE do not deliver. Publish “3 1 1” of the new key before you use it, and keep the old one until the switch.',
          ),
          snippets: [],
        },
      },
    )
  },
}
