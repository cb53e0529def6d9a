// Is the key long enough for the years to come?

import { met, undetermined, violated, type Check } from '#compliance/check.ts'
import { sharedHandshake } from '#compliance/certificates.ts'
import { text } from '#compliance/text.ts'

/** BSI TR-02102-2 asks for 3000 bits of RSA; public CAs issue 2048 too, and nobody refuses those. */
const minRsaBits = 2048

export const tlsKey: Check = {
  id: 'tls-key',
  title: text('Schlüssellänge', 'Length of the key'),
  requirement: text(
    'Der Schlüssel hat mindestens 2048 (RSA) oder 256 (EC) Bit.',
    'The key has at least 2048 (RSA) or 256 (EC) bits.',
  ),
  source: 'RFC 9325 §4.5',
  severity: 'info',
  phase: 'connect',
  needs: ['starttls'],
  run: async (context) => {
    const handshake = await sharedHandshake(context)
    if ('kind' in handshake) return handshake
    const key = handshake.facts.chain[0]?.key
    if (key === undefined) return undetermined(text('Kein Zertifikat.', 'No certificate.'))
    const bits = Number(/^rsa(?:-pss)? (\d+)$/.exec(key)?.[1] ?? minRsaBits)
    const details = { evidence: [handshake.seen], facts: { key } }
    if (bits >= minRsaBits) return met(text(key, key), details)
    return violated(text(key, key), {
      ...details,
      remedy: {
        text: text('Erzeugen Sie einen längeren Schlüssel.', 'Make a longer key.'),
        snippets: ['tls'],
      },
    })
  },
}
