// Is the certificate for the name that the institute has given us?

import { met, notApplicable, violated, type Check } from '#compliance/check.ts'
import { sharedHandshake } from '#compliance/certificates.ts'
import { isIP } from '#net/address.ts'
import { text } from '#compliance/text.ts'

export const tlsHostname: Check = {
  id: 'tls-hostname',
  title: text('Zertifikat für den richtigen Namen', 'Certificate for the right name'),
  requirement: text(
    'Der Name des Servers steht im Zertifikat (subjectAltName).',
    'The name of the server is in the certificate (subjectAltName).',
  ),
  source: 'RFC 9525, RFC 7817',
  severity: 'should',
  phase: 'connect',
  needs: ['starttls'],
  run: async (context) => {
    const handshake = await sharedHandshake(context)
    if ('kind' in handshake) return handshake
    const { facts, shown, seen } = handshake
    const names = facts.chain[0]?.names.join(', ') ?? ''
    const { host } = context.target
    if (facts.nameProblem === null)
      return met(text(`${host}: ${names}`, `${host}: ${names}`), { evidence: [seen], facts: shown })
    if (isIP(host)) {
      return notApplicable(
        text('Es wurde eine Adresse genannt, kein Name.', 'An address was named, not a name.'),
        { subtype: 'address', facts: shown },
      )
    }
    return violated(
      text(
        `${host} steht nicht im Zertifikat: ${shown['names'] ?? ''}`,
        `${host} is not in the certificate: ${shown['names'] ?? ''}`,
      ),
      {
        subtype: 'wrong-name',
        evidence: [seen],
        facts: shown,
        remedy: {
          text: text(
            `Beantragen Sie ein Zertifikat, das ${host} nennt, oder nennen Sie den Relays den Namen aus dem Zertifikat.`,
            `Get a certificate that names ${host}, or give the relays the name that is in it.`,
          ),
          snippets: ['tls'],
        },
      },
    )
  },
}
