// What the TLS checks need of the one handshake they share.

import { cleanLine } from '#base/text.ts'
import type { ProbeTlsFacts } from '#net/probe-stream.ts'
import { undetermined, type CheckContext, type Finding } from './check.ts'
import { text } from './text.ts'
import type { Excerpt } from './transcript.ts'

export interface Handshake {
  readonly facts: ProbeTlsFacts
  readonly seen: Excerpt
  /** For the report; values are cleaned. */
  readonly shown: Readonly<Record<string, string>>
}

/** Or the finding that there was none; starttls-handshake tells why. */
export async function sharedHandshake({ prober }: CheckContext): Promise<Handshake | Finding> {
  const secured = await prober.firstHandshake()
  if (secured?.kind !== 'secured') {
    return undetermined(text('Kein Handshake gelang.', 'No handshake succeeded.'), {
      subtype: 'no-handshake',
      evidence: secured === null ? [] : [secured.seen],
    })
  }
  return { facts: secured.facts, seen: secured.seen, shown: shownFacts(secured.facts) }
}

function shownFacts({ protocol, cipher, chain }: ProbeTlsFacts): Readonly<Record<string, string>> {
  const [leaf] = chain
  const shown: Record<string, string> = { tls: `${protocol} ${cipher}` }
  if (leaf !== undefined) {
    shown['names'] = cleanLine(leaf.names.join(', '), 300)
    shown['valid'] = `${day(leaf.validFromMs)} – ${day(leaf.validToMs)}`
    shown['key'] = cleanLine(leaf.key, 60)
    shown['sha256'] = leaf.sha256
  }
  for (const [index, each] of chain.entries()) {
    shown[`certificate ${index + 1}`] = cleanLine(`${each.subject} ← ${each.issuer}`, 300)
  }
  return shown
}

/** `2026-11-24` */
export function day(ms: number): string {
  return Number.isFinite(ms) ? new Date(ms).toISOString().slice(0, 10) : '?'
}
