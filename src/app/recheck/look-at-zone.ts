// One look at the DNS of a domain that was examined before. Loaded when one is due, as `look.ts`.

import { getServers } from 'node:dns'
import { systemClock } from '#base/clock.ts'
import { checkDomain, disagreementSince } from '#compliance/dns/check-domain.ts'
import type { SavedZone } from '#compliance/zone-store.ts'
import type { Config } from '#config/config.ts'
import { parseNameServer } from '#app/commands/check/name-server.ts'
import { trustedCertificates } from '#app/toolbox.ts'
import { doneOf, type Look } from './look.ts'

const localResolver = { address: '127.0.0.1', port: 53 }

/** Never rejects because of the DNS. */
export async function lookAtZone(options: {
  readonly config: Config
  readonly saved: SavedZone
  /** As it is known from earlier looks; null: the name servers agree. */
  readonly disagreesSinceMs: number | null
  /** Only these checks; null: all the baseline has a verdict of. */
  readonly only: readonly string[] | null
  readonly signal: AbortSignal
}): Promise<Look> {
  const { config, saved, disagreesSinceMs, only, signal } = options
  const { relays, resolver, nameServers, policyServer, caFile } = saved.asked
  const own = parseNameServer(config.dns.servers[0] ?? getServers()[0] ?? '')
  const deadline = AbortSignal.timeout(config.recheck.timeoutMs)
  const report = await checkDomain(
    {
      domain: saved.domain,
      relays,
      resolver: resolver ?? own ?? localResolver,
      nameServers,
      timeoutMs: 3000,
      isServed: true,
      policyServer,
      ca: trustedCertificates(caFile, 'the file of authorities'),
      outside: null,
      helloName: config.hostname,
      relayPort: 25,
      disagreement: { sinceMs: disagreesSinceMs },
    },
    systemClock,
    AbortSignal.any([signal, deadline]),
  )
  if (!report.isComplete) {
    return signal.aborted ? { kind: 'stopped' } : { kind: 'failed', detail: 'took too long' }
  }
  const done = doneOf(
    report,
    ({ check: { id } }) => Object.hasOwn(saved.verdicts, id) && (only?.includes(id) ?? true),
  )
  return { ...done, disagreesSinceMs: disagreementSince(report, disagreesSinceMs) }
}
