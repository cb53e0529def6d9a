// A certificate that runs out unnoticed.

import { met, undetermined, violated, type Check } from '#compliance/check.ts'
import { day, sharedHandshake } from '#compliance/certificates.ts'
import { text } from '#compliance/text.ts'

const dayMs = 86_400_000
const warnDays = 14

export const tlsExpiry: Check = {
  id: 'tls-expiry',
  title: text('Zertifikat noch länger gültig', 'Certificate valid for a while'),
  requirement: text(
    `Das Zertifikat ist gültig und läuft nicht in den nächsten ${warnDays} Tagen ab.`,
    `The certificate is valid and does not expire within ${warnDays} days.`,
  ),
  source: 'best practice',
  severity: 'should',
  phase: 'connect',
  needs: ['starttls'],
  run: async (context) => {
    const handshake = await sharedHandshake(context)
    if ('kind' in handshake) return handshake
    const { facts, shown, seen } = handshake
    const [leaf] = facts.chain
    if (leaf === undefined) return undetermined(text('Kein Zertifikat.', 'No certificate.'))
    const now = context.now()
    const daysLeft = Math.floor((leaf.validToMs - now) / dayMs)
    const until = day(leaf.validToMs)
    const isYoung = leaf.validFromMs > now
    if (daysLeft >= warnDays && !isYoung) {
      return met(
        text(
          `gültig bis ${until}, noch ${daysLeft} Tage`,
          `valid until ${until}, ${daysLeft} days left`,
        ),
        { evidence: [seen], facts: shown },
      )
    }
    return violated(
      isYoung
        ? text(
            `Gültig erst ab ${day(leaf.validFromMs)}.`,
            `Valid only from ${day(leaf.validFromMs)}.`,
          )
        : text(`Gültig bis ${until}.`, `Valid until ${until}.`),
      {
        subtype: isYoung ? 'not-yet-valid' : leaf.validToMs < now ? 'expired' : 'expires-soon',
        evidence: [seen],
        facts: shown,
        remedy: {
          text: text(
            'Erneuern Sie das Zertifikat und automatisieren Sie die Verlängerung (ACME), mit Neuladen des Mailservers danach.',
            'Renew the certificate and automate renewal (ACME), with a reload of the mail server after it.',
          ),
          snippets: ['tls'],
        },
      },
    )
  },
}
