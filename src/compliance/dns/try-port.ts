// Is port 25 of an MX open? Nothing is said there.

import { isNeverAServer } from '#compliance/target-guard.ts'
import type { DnsReply } from '#dns/query.ts'
import { openProbeStream } from '#net/probe-stream.ts'
import { isAnswer, recordsOf, replyWords } from './dns-answers.ts'

export type PortFacts =
  | 'open'
  | { readonly kind: 'closed'; readonly reason: string }
  /** Nothing was found out, and the server need not be to blame. */
  | { readonly kind: 'unknown'; readonly reason: string }

const smtpPort = 25
/** A firewall that drops keeps senders waiting for minutes; we know after this. */
const connectTimeoutMs = 10_000
/** They say something of this machine, or of the run. */
const ownFaults: ReadonlySet<string> = new Set([
  'ENETUNREACH',
  'EADDRNOTAVAIL',
  'EAFNOSUPPORT',
  'EMFILE',
  'ABORT_ERR',
])

export async function tryPort(
  { a, aaaa }: { readonly a: DnsReply; readonly aaaa: DnsReply },
  port: number,
  signal: AbortSignal,
): Promise<PortFacts> {
  const address = recordsOf(a, 'A')[0]?.value ?? recordsOf(aaaa, 'AAAA')[0]?.value
  if (address === undefined) {
    const reasons = [
      ...(isAnswer(a) ? [] : [`A: ${replyWords(a, 'A')}`]),
      ...(isAnswer(aaaa) ? [] : [`AAAA: ${replyWords(aaaa, 'AAAA')}`]),
    ]
    return reasons.length === 0
      ? { kind: 'closed', reason: 'no address' }
      : { kind: 'unknown', reason: reasons.join(', ') }
  }
  if (isNeverAServer(address) && port === smtpPort)
    return { kind: 'closed', reason: `${address} is not public` }
  try {
    const stream = await openProbeStream({
      address,
      port,
      source: null,
      timeoutMs: connectTimeoutMs,
      signal,
    })
    stream.destroy()
    return 'open'
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : 'failed'
    return { kind: ownFaults.has(code) ? 'unknown' : 'closed', reason: code }
  }
}
