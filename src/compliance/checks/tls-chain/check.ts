// Is the certificate one that others trust?

import { met, violated, type Check } from '#compliance/check.ts'
import { sharedHandshake } from '#compliance/certificates.ts'
import { text, type Text } from '#compliance/text.ts'

interface Fault {
  readonly subtype: string
  readonly words: Text
}

const selfSigned: Fault = {
  subtype: 'self-signed',
  words: text('selbst ausgestellt', 'self-signed'),
}
const faults: Readonly<Record<string, Fault>> = {
  DEPTH_ZERO_SELF_SIGNED_CERT: selfSigned,
  SELF_SIGNED_CERT_IN_CHAIN: {
    subtype: 'unknown-ca',
    words: text('Aussteller nicht anerkannt', 'issuer not trusted'),
  },
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: {
    subtype: 'incomplete-chain',
    words: text(
      'Zwischenzertifikat fehlt oder Aussteller unbekannt',
      'intermediate certificate missing or issuer unknown',
    ),
  },
  UNABLE_TO_GET_ISSUER_CERT: {
    subtype: 'incomplete-chain',
    words: text('Zwischenzertifikat fehlt', 'intermediate certificate missing'),
  },
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: {
    subtype: 'unknown-ca',
    words: text('Aussteller nicht anerkannt', 'issuer not trusted'),
  },
  CERT_HAS_EXPIRED: { subtype: 'expired-chain', words: text('abgelaufen', 'expired') },
  CERT_NOT_YET_VALID: {
    subtype: 'not-yet-valid',
    words: text('noch nicht gültig', 'not yet valid'),
  },
}

export const tlsChain: Check = {
  id: 'tls-chain',
  title: text('Vertrauenswürdige Zertifikatskette', 'Trusted certificate chain'),
  requirement: text(
    'Das Zertifikat kommt von einer anerkannten CA, und die Kette ist vollständig.',
    'The certificate is from a public CA, and the chain is complete.',
  ),
  source: 'service requirement (g)',
  severity: 'should',
  phase: 'connect',
  needs: ['starttls'],
  run: async (context) => {
    const handshake = await sharedHandshake(context)
    if ('kind' in handshake) return handshake
    const { facts, shown, seen } = handshake
    const evidence = [seen]
    const [leaf] = facts.chain
    if (facts.chainProblem === null) {
      const issuer = leaf?.issuer ?? ''
      return met(text(issuer, issuer), { evidence, facts: shown })
    }
    // OpenSSL may stumble over something else first.
    const isOwn = leaf !== undefined && leaf.subject === leaf.issuer
    const fault = isOwn
      ? selfSigned
      : (faults[facts.chainProblem] ?? {
          subtype: 'untrusted',
          words: text(facts.chainProblem, facts.chainProblem),
        })
    return violated(
      text(`Nicht vertrauenswürdig: ${fault.words.de}.`, `Not trusted: ${fault.words.en}.`),
      {
        subtype: fault.subtype,
        evidence,
        facts: { ...shown, openssl: facts.chainProblem },
        remedy: {
          text: text(
            `Die Zertifikatskette ist nicht vertrauenswürdig (${fault.words.de}). Richten Sie ein Zertifikat einer anerkannten CA mit vollständiger Kette ein und automatisieren Sie die Verlängerung.`,
            `The certificate chain is not trusted (${fault.words.en}). Install a certificate of a public CA with its full chain, and automate renewal.`,
          ),
          snippets: ['tls'],
        },
      },
    )
  },
}
