// The certificates that a relay really shows to whoever delivers to it, for its TLSA records. Only after these were
// verified: nobody is contacted for records that senders do not use either.

import { systemClock } from '#base/clock.ts'
import { isUsable, matchesTlsa, parseTlsa, type Tlsa } from '#compliance/dane.ts'
import { Prober, type ProberLimits } from '#compliance/dialog/prober.ts'
import { saidText } from '#compliance/dialog/session.ts'
import { isNeverAServer } from '#compliance/target-guard.ts'
import { AddressMask } from '#compliance/transcript.ts'
import type { DnsReply } from '#dns/query.ts'
import type { ProbeTlsFacts } from '#net/probe-stream.ts'
import { recordsOf } from './dns-answers.ts'

/** What a sender with DANE meets at one address of a relay. */
export interface ShownCertificate {
  readonly address: string
  readonly result:
    | { readonly kind: 'matches' | 'mismatch' }
    /** RFC 7672 §2.2: such a sender does not go on in clear. */
    | { readonly kind: 'no-tls'; readonly detail: string }
    /** The relay was not reached, which may be the fault of this machine. */
    | { readonly kind: 'not-reached'; readonly detail: string }
}

const limits: ProberLimits = {
  connectTimeoutMs: 10_000,
  replyTimeoutMs: 10_000,
  maxConnections: 4,
  retryPauseMs: 1000,
  connectGapMs: 0,
  recipientGapMs: 0,
}
const smtpPort = 25
const maxAddressCount = 4

/** Those that senders use: verified, and of a usage that counts for SMTP (RFC 7672 §2.1.1, §3.1). */
export function usableTlsa(reply: DnsReply): readonly Tlsa[] {
  if (reply.kind !== 'reply' || !reply.isAuthenticated) return []
  return recordsOf(reply, 'TLSA')
    .flatMap(({ value }) => parseTlsa(value) ?? [])
    .filter(isUsable)
}

/** Never rejects. */
export async function showCertificates(
  {
    relay,
    addresses,
    port,
    helloName,
    tlsa,
  }: {
    readonly relay: string
    readonly addresses: readonly string[]
    readonly port: number
    readonly helloName: string
    readonly tlsa: readonly Tlsa[]
  },
  signal: AbortSignal,
): Promise<readonly ShownCertificate[]> {
  // A name must not lead into this machine.
  const [first, ...rest] = addresses
    .filter((address) => port !== smtpPort || !isNeverAServer(address))
    .slice(0, maxAddressCount)
    .map((address) => ({ source: null, address }))
  if (first === undefined) return []
  const vantages = [first, ...rest] as const
  const prober = new Prober({
    target: {
      host: relay,
      port,
      domains: [],
      existing: [],
      unknown: [],
      sources: [],
      addresses: [first.address, ...rest.map(({ address }) => address)],
      vantages,
      random: ['', '', ''],
    },
    helloName,
    senderDomain: helloName,
    ca: null,
    limits,
    clock: systemClock,
    signal,
    mask: new AddressMask(),
  })
  try {
    return await Promise.all(
      vantages.map(async (vantage) => ({
        address: vantage.address,
        result: await shown(prober, vantage, tlsa),
      })),
    )
  } finally {
    prober.close()
  }
}

async function shown(
  prober: Prober,
  vantage: { readonly source: null; readonly address: string },
  tlsa: readonly Tlsa[],
): Promise<ShownCertificate['result']> {
  const contact = await prober.greet(vantage, 'asRelay')
  if (contact.kind === 'failed') return { kind: 'not-reached', detail: contact.detail }
  const { session, banner, ehlo, tls } = contact.greeted
  await session.quit()
  if (tls?.kind === 'secured') {
    return { kind: tlsa.some((each) => passes(each, tls.facts)) ? 'matches' : 'mismatch' }
  }
  if (tls?.kind === 'failed') return { kind: 'no-tls', detail: tls.detail }
  return ehlo?.kind === 'reply' && ehlo.reply.code === 250
    ? { kind: 'no-tls', detail: 'STARTTLS' }
    : { kind: 'not-reached', detail: saidText(ehlo ?? banner) }
}

/** RFC 7672 §3.1.1, §3.1.2: DANE-EE looks at the key alone, DANE-TA at the name too. */
function passes(tlsa: Tlsa, { chain, nameProblem }: ProbeTlsFacts): boolean {
  return matchesTlsa(tlsa, chain) && (tlsa.usage === 3 || nameProblem === null)
}
