// TLS 1.2 or 1.3.

import { met, undetermined, violated, type Check } from '#compliance/check.ts'
import { text } from '#compliance/text.ts'
import type { Excerpt } from '#compliance/transcript.ts'

const versions = ['TLSv1.3', 'TLSv1.2', 'TLSv1.1', 'TLSv1'] as const

export const tlsVersion: Check = {
  id: 'tls-version',
  title: text('TLS 1.2 oder 1.3', 'TLS 1.2 or 1.3'),
  requirement: text('Der Server spricht TLS 1.2 oder 1.3.', 'The server speaks TLS 1.2 or 1.3.'),
  source: 'RFC 8996, RFC 9325',
  severity: 'should',
  phase: 'connect',
  needs: ['starttls'],
  run: async ({ prober, target }) => {
    const spoken: string[] = []
    const evidence: Excerpt[] = []
    for (const version of versions) {
      const contact = await prober.greet(target.vantages[0])
      if (contact.kind === 'failed') continue
      const { session } = contact.greeted
      const secured = await prober.secure(session, version)
      await session.quit()
      if (secured !== null) evidence.push(secured.seen)
      if (secured?.kind === 'secured') spoken.push(version)
    }
    const all = spoken.join(', ')
    const isModern = spoken.includes('TLSv1.3') || spoken.includes('TLSv1.2')
    if (spoken.length === 0)
      return undetermined(text('Kein Handshake gelang.', 'No handshake succeeded.'), { evidence })
    if (!isModern) {
      return violated(text(`Nur ${all}.`, `Only ${all}.`), {
        subtype: 'only-old',
        evidence,
        remedy: {
          text: text(
            `Nur ${all}; schalten Sie TLS 1.2 und 1.3 ein.`,
            `Only ${all}; enable TLS 1.2 and 1.3.`,
          ),
          snippets: ['tls'],
        },
      })
    }
    return met(text(all, all), {
      subtype: spoken.length > 2 || spoken.includes('TLSv1.1') ? 'old-ones-too' : null,
      evidence,
    })
  },
}
